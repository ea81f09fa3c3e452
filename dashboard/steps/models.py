"""The steps of a run, stored so that they outlive its server. Only `services.py` writes them."""

from __future__ import annotations

import json
import zlib
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from dashboard.runs.models import Run


class StepStatus(models.TextChoices):
    """The status of a step, in the words of `steps.json`."""

    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    WAITING = "waiting", "Waiting for a person"


class StepLog(models.Model):
    """A run's steps as a whole. There is no row before the steps were watched or read.

    `version` grows with every change. `why` says what is missing, and is empty when nothing is. Times of steps are the
    server's; `server_wait_s` is how long the run waited there before its first step.
    """

    class State(models.TextChoices):
        LIVE = "live", "Watched while it runs"
        READING = "reading", "Being read from the server's history"
        READ = "read", "Read"

    run = models.OneToOneField(Run, on_delete=models.CASCADE, primary_key=True, related_name="step_log")
    state = models.CharField(max_length=10, choices=State.choices, default=State.LIVE)
    version = models.BigIntegerField(default=1)
    claimed_at = models.DateTimeField(null=True)
    tries = models.IntegerField(default=0)
    why = models.TextField(default="", blank=True)
    server_wait_s = models.FloatField(null=True)
    # By model: {"input", "output", "answers", "cached"}, from the messages that steps wrote. Partial when not all of
    # what they wrote could be read.
    tokens = models.JSONField(default=dict)
    tokens_are_partial = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=["live", "reading", "read"]), name="step_log_state_known")
        ]

    def __str__(self) -> str:
        return f"steps of run {self.run_id}"


class Step(models.Model):
    """One execution of a node. `index` counts from 0 in the order in which steps began, those inside after their own.

    `path` has the names of the subgraphs around it, outermost first. `task_id` is the server's, "" when not known.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="steps")
    index = models.IntegerField()
    task_id = models.CharField(max_length=200, default="", blank=True)
    node = models.CharField(max_length=200)
    path = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    status = models.CharField(max_length=10, choices=StepStatus.choices)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    attempt = models.IntegerField(default=1)
    error = models.TextField(default="", blank=True)
    # What it wrote, by key: JSON text, as it came. "" when it is not known, or too large to be kept.
    writes_json = models.TextField(default="", blank=True)
    writes_bytes = models.BigIntegerField(default=0)
    # The state it was given, and the first one that has what it wrote; "" when the server did not tell.
    checkpoint_id = models.CharField(max_length=200, default="", blank=True)
    next_checkpoint_id = models.CharField(max_length=200, default="", blank=True)

    class Meta:
        ordering = ["index"]
        constraints = [
            models.UniqueConstraint(fields=["run", "index"], name="step_index_once"),
            models.CheckConstraint(condition=Q(status__in=StepStatus.values), name="step_status_known"),
        ]

    def __str__(self) -> str:
        return "/".join([*self.path, self.node])

    @property
    def duration_s(self) -> float | None:
        """Seconds from its begin to its end; None while it has none, or its begin is not known."""
        if self.started_at is None or self.finished_at is None:
            return None
        return max(0.0, (self.finished_at - self.started_at).total_seconds())

    @property
    def writes(self) -> Any:
        """What it wrote; None when that is not kept."""
        try:
            return json.loads(self.writes_json) if self.writes_json else None
        except (ValueError, RecursionError):
            return None


class RunCheckpoint(models.Model):
    """A checkpoint of a run: people can open its state, and continue from it.

    `number` counts from 0, oldest first; those of subgraphs (`path`) come last. `next_nodes` were about to run.
    `compressed` is None where the state is not kept: it was too large, or it is the run's final state (same `sha256`).
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="checkpoints")
    number = models.IntegerField()
    checkpoint_id = models.CharField(max_length=200)
    path = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    next_nodes = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    at = models.DateTimeField(null=True)
    compressed = models.BinaryField(null=True, editable=False)
    size_bytes = models.BigIntegerField(default=0)
    sha256 = models.BinaryField(max_length=32, null=True, editable=False)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["run", "checkpoint_id"], name="run_checkpoint_once")]

    def __str__(self) -> str:
        return f"checkpoint {self.number} of run {self.run_id}"

    @property
    def body(self) -> bytes:
        """The state as the server wrote it. Only where `compressed` is there."""
        assert self.compressed is not None
        return zlib.decompress(self.compressed, bufsize=max(self.size_bytes, 1))


class LiveText(models.Model):
    """The text that models are writing, while somebody watches. An unlogged table: it costs no write-ahead log.

    `entries` is a list of `{"id", "node", "text", "cut"}`: `cut` is how many characters before `text` are left out.
    """

    run = models.OneToOneField(Run, on_delete=models.CASCADE, primary_key=True, related_name="live_text")
    version = models.BigIntegerField(default=1)
    entries = models.JSONField(default=list)


class Watch(models.Model):
    """A mark that somebody has this run's page open: each web process renews it every few seconds. Unlogged too."""

    run = models.OneToOneField(Run, on_delete=models.CASCADE, primary_key=True, related_name="watch")
    seen_at = models.DateTimeField(db_default=Now())
