"""Encrypts every stored secret with the newest key, so that old keys can be removed."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.apps import apps
from django.db import transaction
from django.db.models import BinaryField, Model

from dashboard.teams.encryption import SecretUnreadable, secret_rotate

PREFIX = "secret_"
"""Every binary column with such a name holds a secret of `encryption.py`; a test checks it."""
AT_ONCE = 200


@dataclass
class Rotation:
    """How many secrets were encrypted again, and which could not be read: "servers.Server 3f2b… secret_headers"."""

    rotated: int = 0
    unreadable: list[str] = field(default_factory=list)


def secrets_rotate() -> Rotation:
    """Encrypt every stored secret with the first key. Locks each row only for a moment."""
    done = Rotation()
    for model in apps.get_models():
        for name in secret_columns(model):
            _rotate(model, name, done)
    return done


def secret_columns(model: type[Model]) -> list[str]:
    """The columns of a model that hold secrets."""
    return [
        column.name
        for column in model._meta.concrete_fields
        if isinstance(column, BinaryField) and column.name.startswith(PREFIX)
    ]


def _rotate(model: type[Model], name: str, done: Rotation) -> None:
    rows = model._default_manager.exclude(**{name: b""}).order_by("pk")
    last = None
    while True:
        with transaction.atomic():
            batch = rows if last is None else rows.filter(pk__gt=last)
            found = list(batch.select_for_update(no_key=True).values_list("pk", name)[:AT_ONCE])
            for pk, stored in found:
                last = pk
                try:
                    model._default_manager.filter(pk=pk).update(**{name: secret_rotate(stored)})
                    done.rotated += 1
                except SecretUnreadable:
                    done.unreadable.append(f"{model._meta.label} {pk} {name}")
        if len(found) < AT_ONCE:
            return
