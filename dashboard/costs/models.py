"""What a team pays for models. Only `services.py` writes it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from dashboard.teams.models import Team


class ModelPrice(models.Model):
    """The prices of a model's tokens, each per million.

    `model` is the name that answers carry (`response_metadata.model_name`), or how it begins, followed by `*`.
    `cached` is for input that the model had in its cache; None: like other input.
    """

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="model_prices")
    model = models.CharField(max_length=200)
    input = models.DecimalField(max_digits=16, decimal_places=6)
    output = models.DecimalField(max_digits=16, decimal_places=6)
    cached = models.DecimalField(max_digits=16, decimal_places=6, null=True)
    currency = models.CharField(max_length=3)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["model"]
        constraints = [
            models.UniqueConstraint(fields=["team", "model"], name="model_price_once"),
            models.CheckConstraint(condition=Q(input__gte=0, output__gte=0), name="model_price_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.model}: {self.input} in, {self.output} out, {self.currency}"

    @property
    def is_pattern(self) -> bool:
        return self.model.endswith("*")
