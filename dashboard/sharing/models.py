"""Links that show one run to anybody who has them."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from dashboard.runs.models import Run
from dashboard.teams.models import User


class ShareLink(models.Model):
    """A read-only link to a run. The token is 192 random bits; only its SHA-256 is stored, so it can be shown once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="share_links")
    token_hash = models.BinaryField(max_length=32, unique=True, editable=False)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]

    @property
    def is_open(self) -> bool:
        """Whether the link still shows the run."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())
