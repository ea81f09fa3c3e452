"""The Run and what belongs to it. People change rows through `services.py`, workers through `leases.py`."""

from __future__ import annotations

import json
import uuid
import zlib
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from dashboard.runs.statuses import ACTIVE, CREATED, ENDS, HELD, LOOKS, RunStatus, StatusLook
from dashboard.runs.titles import label_of, title_of
from dashboard.servers.models import Server
from dashboard.teams.models import Team, User


class ThreadChoice(models.TextChoices):
    """Where on the server a run takes place."""

    NEW = "new", "New thread"
    STATELESS = "stateless", "No thread (stateless)"
    EXISTING = "existing", "Existing thread"


class ParentKind(models.TextChoices):
    """How a run came from another one."""

    AGAIN = "again", "Launched again from"
    EDIT = "edit", "Launched again, with changes, from"
    ANSWER = "answer", "Answers"
    CONTINUE = "continue", "Continues"
    FORK = "fork", "Forked from"
    FORM = "form", "Launched by a form made from"


class WaitState(models.TextChoices):
    """What became of the question or the stop at a node of a run that needs input or is paused."""

    OPEN = "open", "Open"
    ANSWERED = "answered", "Answered"
    GONE = "gone", "Gone"


class RunTraits:
    """What a person reads of a run, whether it was read as a model or as a row of a list (`rows.py`)."""

    __slots__ = ()

    name: Any
    summary: Any
    assistant_name: Any
    graph_id: Any
    assistant_id: Any
    status: Any
    wait_state: Any
    parent_kind: Any
    link_for: Any
    launched_by: Any
    # The columns that a list's reader chose: set for a while, by lists that have such.
    own_cells: Any

    @property
    def title(self) -> str:
        """The run's name, else what it was about, else its assistant."""
        return title_of(self.name, self.summary, self.assistant_label)

    @property
    def assistant_label(self) -> str:
        """The assistant's name; before it was known, its graph or what was typed."""
        return label_of(self.assistant_name, self.graph_id, self.assistant_id)

    @property
    def assistant_key(self) -> str:
        """The same for all runs of an assistant. The one that a server made for a graph is launched by either id."""
        is_of_graph = self.graph_id and self.assistant_name == self.graph_id
        return str(self.graph_id if is_of_graph else self.assistant_id)

    @property
    def sender(self) -> str:
        """Who launched it, in words; "" when they were removed since."""
        if self.link_for and self.parent_kind == ParentKind.FORM:
            return f"form link “{self.link_for}”"
        if self.link_for:
            return f"link that {self.launched_by or 'somebody'} made for {self.link_for}"
        return str(self.launched_by or "")

    @property
    def is_terminal(self) -> bool:
        """Whether the run has ended; an ended run never changes status again."""
        return self.status in ENDS

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will happen to the run: it has ended, and no question of it is open."""
        return self.is_terminal and self.wait_state != WaitState.OPEN

    @property
    def look(self) -> StatusLook:
        """How the status is shown."""
        return LOOKS[RunStatus(self.status)]

    @property
    def tone(self) -> str:
        """The tone it is shown in: that of its status, but a question that is over asks for nobody's attention."""
        return "neutral" if self.wait_state in (WaitState.ANSWERED, WaitState.GONE) else self.look.tone


class Run(RunTraits, models.Model):
    """One launch of an assistant: the row that lists read. Parameters and the final state have tables of their own.

    `id` is ours, `remote_run_id` and `remote_thread_id` are the server's. Times are the database's clock, never a
    worker's. `version` grows with every change that people can see. `fence` grows with every change of worker: a worker
    may write only while `lease_owner` and `fence` are what it was given.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="runs")
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="runs")
    launched_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="runs")
    parent = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="children")
    parent_kind = models.CharField(max_length=10, choices=ParentKind.choices, default="", blank=True)

    # Whether it waits for a person: "" unless it needs input or is paused.
    wait_state = models.CharField(max_length=8, choices=WaitState.choices, default="", blank=True)
    # The run whose question this one answers, or which it continues, while it counts as that. Only one can: two people
    # who answer at the same moment meet this constraint. Given up again by an answer that never reached the server.
    answers = models.OneToOneField("self", on_delete=models.SET_NULL, null=True, related_name="answer")
    # When a check whether its server still waits was requested, and last done.
    wait_check_asked_at = models.DateTimeField(null=True)
    wait_checked_at = models.DateTimeField(null=True)

    # Made with each blank launch form: the same form sent twice launches once.
    launch_key = models.UUIDField(null=True)
    # The preset it was launched with, which may be gone by now.
    preset_id = models.UUIDField(null=True)

    name = models.CharField(max_length=200, default="", blank=True)
    tags = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    # What it was about and how it ended, each in a line: see `summary.py`.
    summary = models.CharField(max_length=200, default="", db_default="", blank=True)
    outcome_text = models.CharField(max_length=200, default="", db_default="", blank=True)
    note = models.TextField(default="", db_default="", blank=True)
    is_starred = models.BooleanField(default=False, db_default=False)
    # Who is assigned to its open question, and until when it is hidden from the inbox.
    assigned_to = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    snoozed_until = models.DateTimeField(null=True)
    # For an answer that came by an answer link of `launched_by`: the person it was made for.
    link_for = models.CharField(max_length=60, default="", db_default="", blank=True)
    # The runs that one bulk action launched.
    batch_id = models.UUIDField(null=True)

    assistant_id = models.CharField(max_length=200)
    graph_id = models.CharField(max_length=200, default="", blank=True)
    # As the server called the assistant when this was launched; "" when it was not known here.
    assistant_name = models.CharField(max_length=200, default="", blank=True)
    thread_choice = models.CharField(max_length=10, choices=ThreadChoice.choices)

    status = models.CharField(max_length=12, choices=RunStatus.choices, default=RunStatus.QUEUED)
    version = models.BigIntegerField(default=1)
    last_event_seq = models.IntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    status_at = models.DateTimeField(db_default=Now())

    remote_thread_id = models.CharField(max_length=200, null=True)  # noqa: DJ001 - None is "not known"
    remote_run_id = models.CharField(max_length=200, null=True)  # noqa: DJ001
    remote_thread_kept = models.BooleanField(default=True)

    lease_owner = models.UUIDField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=0)
    not_before = models.DateTimeField(null=True)
    unreachable_since = models.DateTimeField(null=True)
    reconnecting_since = models.DateTimeField(null=True)
    # How often the server has executed it, as far as we noticed: it may do so again after a restart.
    executions = models.IntegerField(default=1)

    # For a cancelled run: when to check whether its server executes it again, and since when it does.
    look_again_at = models.DateTimeField(null=True)
    going_on_since = models.DateTimeField(null=True)

    cancel_action = models.CharField(max_length=10, default="", blank=True)
    cancel_requested_at = models.DateTimeField(null=True)
    cancel_requested_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    error_type = models.CharField(max_length=200, default="", blank=True)
    error_message = models.TextField(default="", blank=True)
    error_node = models.CharField(max_length=200, default="", blank=True)
    # What else is known of the end: nodes waiting, interrupts, which run replaced it. JSON text, see `ending`.
    ending_json = models.TextField(default="", blank=True)

    search_text = models.TextField(default="", blank=True)
    search = models.GeneratedField(
        expression=SearchVector("search_text", config="simple"), output_field=SearchVectorField(), db_persist=True
    )

    # The scalars of input and result as numbers: see `values.py`.
    value_keys = ArrayField(models.BigIntegerField(), default=list, db_default=[], editable=False)

    class Meta:
        ordering = ["-created_at", "-id"]
        # Only migrations have indexes over expressions: `run_facets`, `run_durations`, `run_assistant_durations`.
        indexes = [
            models.Index(fields=["team", "-created_at", "-id"], name="run_list"),
            models.Index(fields=["team", "status", "-created_at", "-id"], name="run_list_status"),
            models.Index(fields=["team", "assistant_id", "-created_at", "-id"], name="run_list_assistant"),
            models.Index(fields=["team", "launched_by", "-created_at", "-id"], name="run_list_person"),
            models.Index(fields=["preset_id"], condition=Q(preset_id__isnull=False), name="run_by_preset"),
            models.Index(fields=["created_at"], condition=Q(status=RunStatus.QUEUED), name="run_queue"),
            models.Index(fields=["lease_expires_at"], condition=Q(status__in=sorted(HELD)), name="run_leases"),
            models.Index(fields=["look_again_at"], condition=Q(look_again_at__isnull=False), name="run_looks_again"),
            models.Index(
                fields=["team", "finished_at", "id"],
                condition=Q(wait_state=WaitState.OPEN, status=RunStatus.NEEDS_INPUT),
                name="run_open_questions",
            ),
            # How many questions wait, by assistant: with all that is asked of them, so that no row is read.
            models.Index(
                fields=["team", "assistant_name", "graph_id", "assistant_id"],
                include=["snoozed_until"],
                condition=Q(wait_state=WaitState.OPEN, status=RunStatus.NEEDS_INPUT),
                name="run_open_by_assistant",
            ),
            models.Index(
                fields=["team", "assistant_id", "-created_at"],
                condition=Q(answers__isnull=False),
                name="run_answers_given",
            ),
            models.Index(fields=["snoozed_until"], condition=Q(snoozed_until__isnull=False), name="run_snoozes"),
            models.Index(
                fields=["wait_check_asked_at"], condition=Q(wait_check_asked_at__isnull=False), name="run_wait_checks"
            ),
            models.Index(
                fields=["team", "error_type", "-created_at", "-id"], condition=~Q(error_type=""), name="run_list_error"
            ),
            models.Index(fields=["team", "-created_at", "-id"], condition=Q(is_starred=True), name="run_list_starred"),
            models.Index(fields=["batch_id"], condition=Q(batch_id__isnull=False), name="run_by_batch"),
            models.Index(fields=["remote_run_id"], name="run_by_remote_run"),
            models.Index(fields=["remote_thread_id"], name="run_by_remote_thread"),
            models.Index(fields=["finished_at"], condition=Q(finished_at__isnull=False), name="run_finished"),
            # Whatever the database's collation is, these find an id by its beginning.
            models.Index(fields=["remote_run_id"], name="run_by_run_begin", opclasses=["varchar_pattern_ops"]),
            models.Index(fields=["remote_thread_id"], name="run_by_thread_begin", opclasses=["varchar_pattern_ops"]),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=RunStatus.values), name="run_status_known"),
            models.CheckConstraint(
                condition=Q(status__in=sorted(ENDS), finished_at__isnull=False)
                | Q(status__in=sorted(ACTIVE), finished_at__isnull=True),
                name="run_finished_at_agrees",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=sorted(CREATED)) | Q(remote_run_id__isnull=False, started_at__isnull=False),
                name="run_created_has_ids",
            ),
            models.CheckConstraint(
                condition=Q(status__in=sorted(HELD)) | Q(lease_owner__isnull=True, lease_expires_at__isnull=True),
                name="run_lease_only_while_held",
            ),
            models.CheckConstraint(
                condition=~Q(status=RunStatus.CANCELLING) | Q(cancel_requested_at__isnull=False),
                name="run_cancelling_was_asked",
            ),
            models.UniqueConstraint(fields=["team", "launch_key"], name="run_launched_once"),
            models.CheckConstraint(
                condition=Q(wait_state="")
                | Q(wait_state__in=WaitState.values, status__in=[RunStatus.NEEDS_INPUT, RunStatus.PAUSED]),
                name="run_waits_only_when_stopped",
            ),
            models.CheckConstraint(condition=Q(thread_choice__in=ThreadChoice.values), name="run_thread_choice_known"),
            models.CheckConstraint(
                condition=Q(cancel_action__in=["", "interrupt", "rollback"]), name="run_cancel_action_known"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_cancellable(self) -> bool:
        """Whether a cancel would do something."""
        if self.is_terminal:
            return self.going_on_since is not None and not self.is_cancelled_again
        return self.status != RunStatus.CANCELLING

    @property
    def is_cancelled_again(self) -> bool:
        """Whether somebody requested a cancel after its server executed it again."""
        again, asked = self.going_on_since, self.cancel_requested_at
        return again is not None and asked is not None and asked >= again

    @property
    def ending(self) -> dict[str, Any]:
        """What else is known of the end: `next` (nodes waiting), `interrupts`, `rolled_back`, `note`."""
        return json.loads(self.ending_json) if self.ending_json else {}

    @property
    def has_error(self) -> bool:
        return bool(self.error_type or self.error_message)


class RunRequest(models.Model):
    """The `wait` parameters of a run as they were given. JSON text, because jsonb reorders keys and refuses NUL.

    Header values are secrets: only `secret_headers` has them, encrypted; `params` has their names.
    """

    run = models.OneToOneField(Run, on_delete=models.CASCADE, primary_key=True, related_name="request")
    params_json = models.TextField()
    secret_headers = models.BinaryField(default=b"", editable=False)

    @property
    def params(self) -> dict[str, Any]:
        """The parameters by their names in `wait`; `headers` is the list of header names."""
        return json.loads(self.params_json)  # type: ignore[no-any-return]


class Question(models.Model):
    """One interrupt of a run that needs input, as its server sent it. JSON text, for the reasons of RunRequest.

    Its state is `open` until somebody answers this very question, or its run is answered without it: then it is `gone`
    from here, and waits in the run that goes on if the graph still asks.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="questions")
    position = models.PositiveIntegerField()
    interrupt_id = models.CharField(max_length=200, default="", blank=True)
    # "" when it is too large to be kept with the run: the final state has it.
    value_json = models.TextField(default="", blank=True)
    response_schema_json = models.TextField(default="", blank=True)
    namespace_json = models.TextField(default="", blank=True)
    asked_at = models.DateTimeField(db_default=Now())

    state = models.CharField(max_length=8, choices=WaitState.choices, default=WaitState.OPEN)
    answered_by_run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, related_name="answered_questions")
    answer_json = models.TextField(default="", blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["run", "position"], name="question_position_once"),
            models.CheckConstraint(condition=Q(state__in=WaitState.values), name="question_state_known"),
        ]

    @property
    def value(self) -> Any:
        """What the graph asks: any JSON value. Only when `has_value`."""
        return json.loads(self.value_json)

    @property
    def has_value(self) -> bool:
        return bool(self.value_json)

    @property
    def answer(self) -> Any:
        """What was answered. Only when its state is `answered`."""
        return json.loads(self.answer_json)

    @property
    def response_schema(self) -> Any:
        """The schema of an answer, from its graph; None when the graph gives none."""
        return json.loads(self.response_schema_json) if self.response_schema_json else None


class RunResult(models.Model):
    """A run's final state exactly as the server sent it, compressed, with the size and hash of the original bytes."""

    run = models.OneToOneField(Run, on_delete=models.CASCADE, primary_key=True, related_name="result")
    compressed = models.BinaryField(editable=False)
    size_bytes = models.BigIntegerField()
    sha256 = models.BinaryField(max_length=32, editable=False)
    received_at = models.DateTimeField(db_default=Now())

    @property
    def body(self) -> bytes:
        """The bytes as received."""
        return zlib.decompress(self.compressed, bufsize=max(self.size_bytes, 1))


class RunEvent(models.Model):
    """Something that happened to a run. `seq` counts from 1 without holes. Never changed once written."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="events")
    seq = models.IntegerField()
    at = models.DateTimeField(db_default=Now())
    kind = models.CharField(max_length=30)
    data = models.JSONField(default=dict)
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["seq"]
        constraints = [models.UniqueConstraint(fields=["run", "seq"], name="run_event_seq_once")]
