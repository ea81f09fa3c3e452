"""Old encryption keys can be removed once everything was encrypted again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db.models import BinaryField

from dashboard.runs.models import RunRequest
from dashboard.servers.models import Server
from dashboard.teams import encryption
from dashboard.teams.rotation import secret_columns
from tests.factories import make_run, make_server, make_team

pytestmark = pytest.mark.django_db

HASHES_AND_BODIES = {"token_hash", "sha256", "compressed", "password_hash"}


@pytest.fixture
def use_keys(settings: Any) -> Iterator[Any]:
    def use(*keys: str) -> None:
        settings.ENV = dataclasses.replace(settings.ENV, encryption_keys=keys)
        encryption._fernet.cache_clear()

    yield use
    encryption._fernet.cache_clear()


def test_after_the_rotation_the_old_key_is_not_needed(use_keys: Any) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    use_keys(old)
    server = make_server(make_team())
    Server.objects.filter(pk=server.pk).update(secret_headers=encryption.secrets_encrypt({"x-api-key": "k"}))
    run = make_run(server=server, headers={"X-A": "one"})

    use_keys(new, old)
    call_command("rotate_encryption_keys")
    use_keys(new)

    server.refresh_from_db()
    assert server.headers() == {"x-api-key": "k"}
    assert encryption.secrets_decrypt(RunRequest.objects.get(run=run).secret_headers) == {"X-A": "one"}


def test_a_secret_that_no_key_opens_is_named_and_left_alone(use_keys: Any) -> None:
    server = make_server(make_team())
    strange = Fernet(Fernet.generate_key()).encrypt(b"{}")
    Server.objects.filter(pk=server.pk).update(secret_headers=strange)

    with pytest.raises(CommandError, match=str(server.pk)):
        call_command("rotate_encryption_keys")

    server.refresh_from_db()
    assert bytes(server.secret_headers) == strange


def test_every_binary_column_is_a_secret_that_is_rotated_or_known_not_to_be() -> None:
    for model in apps.get_models():
        binary = {field.name for field in model._meta.concrete_fields if isinstance(field, BinaryField)}
        assert binary - set(secret_columns(model)) <= HASHES_AND_BODIES, model
