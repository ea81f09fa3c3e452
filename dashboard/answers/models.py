"""Links that let somebody without an account answer a run's question."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from dashboard.runs.models import Run
from dashboard.teams.models import User


class AnswerLink(models.Model):
    """Lets anybody who has it answer a run once. Only the token's SHA-256 is stored."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="answer_links")
    token_hash = models.BinaryField(max_length=32, unique=True, editable=False)
    # The person it was made for, in the words of its maker.
    name = models.CharField(max_length=60)
    # Hashed; "" when none is asked for.
    password = models.CharField(max_length=200, default="", blank=True, editable=False)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    # The run that the answer launched.
    answered_by_run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, related_name="+")
    # Requests in the minute that began at `window_at`.
    window_at = models.DateTimeField(null=True)
    window_count = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-created_at"]

    @property
    def state(self) -> str:
        """`open`, `used`, `revoked` or `expired`."""
        if self.used_at is not None:
            return "used"
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= timezone.now() else "open"
