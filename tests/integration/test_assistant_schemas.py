"""Schemas are kept as the server sent them: the order of the properties is the order of the form's fields."""

from __future__ import annotations

import uuid

import pytest

from dashboard.servers.services import AssistantFound, server_seen
from tests.factories import make_server, make_team


@pytest.mark.django_db
def test_properties_keep_the_servers_order() -> None:
    server = make_server(make_team())
    properties = {"topic": {}, "audience": {}, "a": {}, "zebra": {}, "bb": {}}
    found = AssistantFound(uuid.uuid4(), "report", "report", schemas={"input_schema": {"properties": properties}})

    server_seen(server=server, version="1", assistants=[found])

    kept = server.assistants.get().schemas
    assert list(kept["input_schema"]["properties"]) == ["topic", "audience", "a", "zebra", "bb"]
