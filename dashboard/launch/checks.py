"""Checks a run's parameters, one by one and together."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

from dashboard.launch.documents import Document
from dashboard.launch.headers import MASK, clean_headers, clean_query
from dashboard.launch.parameters import AFTER_SECONDS_MAX, ParameterFields
from dashboard.launch.schedule import start_after_s
from dashboard.launch.warnings import launch_warnings
from dashboard.runs.inheritance import may_use_headers
from dashboard.runs.models import Run, ThreadChoice
from dashboard.runs.text import is_visible
from dashboard.schema_forms import MISSING
from dashboard.schema_forms.shapes import Shapes
from dashboard.servers.models import Assistant, Server
from dashboard.teams.encryption import SecretUnreadable, secrets_decrypt
from dashboard.teams.models import Team, User
from dashboard.text import clip


class CheckedParameters(ParameterFields):
    """The parameters with their checks: `errors`, and `warnings` for what the server may refuse."""

    team: Team
    by: User | None
    servers: list[Server]
    assistant: Assistant | None
    documents: dict[str, Document]
    warnings: dict[str, list[str]]

    def clean_server(self) -> Server:
        server: Server | None = self.cleaned_data["server"]
        if server is not None:
            return server
        if len(self.servers) == 1:
            return self.servers[0]
        if not self.servers:
            raise ValidationError("This team has no LangGraph server yet. An admin adds one under Servers.")
        raise ValidationError("Choose a server for the run.")

    def clean_assistant_id(self) -> str:
        """The assistant for `wait`: the id behind a chosen title, else the typed text."""
        text = str(self.cleaned_data["assistant_id"]).strip()
        if not is_visible(text):
            raise ValidationError("This consists of invisible characters: choose an assistant, or type its id.")
        if self.assistant is None or text in (str(self.assistant.assistant_id), self.assistant.graph_id):
            return text
        return self.assistant.graph_id if self.assistant.is_default else str(self.assistant.assistant_id)

    def clean_after_seconds(self) -> int | None:
        """Seconds from now, as given, or as "in" or "at" say."""
        seconds: int | None = self.cleaned_data["after_seconds"]
        started = start_after_s(self.data, most_s=AFTER_SECONDS_MAX)
        return seconds if started is None else started

    def clean_webhook(self) -> str | None:
        text = str(self.cleaned_data["webhook"]).strip()
        if not text:
            return None
        try:
            parts = urlsplit(text)
            _ = parts.port
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in {"http", "https"} or not parts.hostname or any(c.isspace() for c in text):
            raise ValidationError(
                "Give an address that starts with http:// or https://, like https://example.org/done."
            )
        return text

    def clean_headers(self) -> dict[str, str]:
        headers = self.cleaned_data["headers"]
        return clean_headers(headers) if headers else {}

    def clean_params(self) -> dict[str, Any] | None:
        params = self.cleaned_data["params"]
        return clean_query(params) if params is not None else None

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        data["thread"] = data.get("thread") or (ThreadChoice.EXISTING if data.get("thread_id") else ThreadChoice.NEW)
        self._check_thread(data["thread"], (data.get("thread_id") or "").strip())
        self._check_pairs(data)
        self._check_parent(data)
        self._check_documents(data)
        return data

    def _check_documents(self, data: dict[str, Any]) -> None:
        """Errors in form views block; in JSON views, what the schema refuses is only a warning."""
        goes_on = any(data.get(name) for name in ("command", "checkpoint", "checkpoint_id"))
        for name, document in self.documents.items():
            if document.form is None:
                if name not in self.errors:
                    document.check_json(data.get(name))
                continue
            for control, sentences in document.check_form(may_be_missing=goes_on or name != "input").items():
                self.errors.setdefault(control, self.error_class()).extend(sentences)
            value = document.value
            if value is MISSING and name == "input" and is_object(document.schema.value or {}) and not goes_on:
                value = {} if data["thread"] != ThreadChoice.EXISTING else MISSING
            data[name] = None if value is MISSING else value
        for document in self.documents.values():
            self.warnings |= document.warnings
        self.warnings |= launch_warnings(data, self.assistant)

    def _check_thread(self, choice: str, thread_id: str) -> None:
        if choice != ThreadChoice.EXISTING:
            if thread_id:
                self.add_error(
                    "thread_id", "An id is only for an existing thread: choose that above, or leave this empty."
                )
            self.cleaned_data["thread_id"] = None
            return
        if not thread_id:
            self.add_error("thread_id", "Give the id of the thread to continue.")
            return
        try:
            self.cleaned_data["thread_id"] = str(uuid.UUID(thread_id))
        except ValueError:
            self.add_error(
                "thread_id", "This is no thread id: it must be a UUID like 3f2b8c1e-5d0a-4b7e-9c61-2a4f0d8e7b35."
            )

    def _check_pairs(self, data: dict[str, Any]) -> None:
        """Parameters that exclude each other, or need a certain kind of thread."""
        choice = data["thread"]
        command, config = data.get("command"), data.get("config")
        refuse: Callable[[str, str], None] = self.add_error
        if data.get("input") is not None and command is not None:
            refuse("command", "Give an input or a command, not both.")
        if command is not None and "resume" in command and choice != ThreadChoice.EXISTING:
            refuse("command", "A resume needs the existing thread that waits for it: choose it under Thread.")
        if data.get("context") is not None and config is not None and config.get("configurable") is not None:
            refuse("context", "Give a context or config.configurable, not both; the server refuses them together.")
        if data.get("checkpoint") is not None and data.get("checkpoint_id"):
            refuse("checkpoint_id", "Give a checkpoint or a checkpoint id, not both.")
        if data.get("on_completion") and choice != ThreadChoice.STATELESS:
            refuse("on_completion", "This is only for stateless runs; a run on a thread keeps its thread.")
        if data.get("if_not_exists") == "reject" and choice == ThreadChoice.NEW:
            refuse("if_not_exists", "A new thread never exists yet: leave this empty, or choose create.")

    def _check_parent(self, data: dict[str, Any]) -> None:
        """Headers shown as dots mean the values of the run this one is launched again from.

        Only for their own server and for people who may use them: another server would get them in clear.
        """
        parent = Run.objects.filter(team=self.team, pk=data["parent"]).first() if data.get("parent") else None
        data["parent"] = parent
        headers: dict[str, str] = data.get("headers") or {}
        masked = [name for name, value in headers.items() if value == MASK]
        if not masked:
            return
        stored: dict[str, str] = {}
        if parent is not None and parent.server_id == getattr(data.get("server"), "pk", None):
            with suppress(SecretUnreadable):
                stored = secrets_decrypt(parent.request.secret_headers) if may_use_headers(parent, self.by) else {}
        missing = [name for name in masked if name not in stored]
        if missing:
            self.add_error(
                "headers",
                f"The value of {clip(', '.join(missing))} is not known here: type it again. Values are kept for the "
                "same server only, for the person who launched the run and for admins.",
            )
        data["headers"] = {name: stored.get(name, value) if value == MASK else value for name, value in headers.items()}


def is_object(schema: Mapping[str, Any]) -> bool:
    """Whether a schema describes an object, or does not say what."""
    kind = Shapes(schema).of(schema).kind
    return kind in ("object", "json") or not schema
