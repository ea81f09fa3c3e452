"""The form that collects a run's parameters: every argument of `wait` a person can give, under its own name."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, cast
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.forms.utils import ErrorDict
from django.http import QueryDict

from dashboard.launch.documents import NAMES as DOCUMENTS
from dashboard.launch.documents import Document, has_configurable, schema_of
from dashboard.launch.fields import (
    BooleanText,
    JSONText,
    NodeNames,
    OptionText,
    ReadDocument,
    ServerChoice,
    Tags,
    speak_plainly,
)
from dashboard.launch.headers import MASK, clean_headers, clean_query
from dashboard.launch.schedule import UNITS, start_after_s
from dashboard.launch.warnings import launch_warnings
from dashboard.runs.inheritance import may_use_headers
from dashboard.runs.models import ParentKind, Run, ThreadChoice
from dashboard.runs.services import LaunchOrder
from dashboard.runs.text import is_visible
from dashboard.schema_forms import MISSING, Fixed
from dashboard.schema_forms.nodes import id_of
from dashboard.schema_forms.shapes import Shapes
from dashboard.servers.models import Assistant, Server
from dashboard.servers.selectors import assistant_list, assistant_meant, assistant_titles, server_list
from dashboard.teams.encryption import SecretUnreadable, secrets_decrypt
from dashboard.teams.models import Team, User
from dashboard.text import clip

AFTER_SECONDS_MAX = 366 * 24 * 3600

# Shown first; every other wait parameter is folded under Advanced.
MAIN_FIELDS = ["server", "assistant_id", "input", "context", "thread", "thread_id", "name", "tags"]
ADVANCED_GROUPS: list[tuple[str, list[str]]] = [
    ("Where to start", ["command", "strict_resume", "checkpoint_id", "checkpoint", "if_not_exists"]),
    ("When to stop", ["interrupt_before", "interrupt_after", "after_seconds"]),
    ("Configuration", ["config", "metadata"]),
    ("How it runs", ["multitask_strategy", "on_disconnect", "on_completion", "durability", "checkpoint_during"]),
    ("The answer", ["raise_error", "webhook", "langsmith_tracing"]),
    ("The request", ["headers", "params"]),
]
ADVANCED_FIELDS = [name for _, names in ADVANCED_GROUPS for name in names]

# The arguments of wait that the form gives on, in the signature's order. headers and thread_id go their own ways.
WAIT_PARAMETERS = (
    "input command metadata config context checkpoint checkpoint_id checkpoint_during interrupt_before interrupt_after "
    "webhook on_disconnect on_completion multitask_strategy if_not_exists after_seconds langsmith_tracing raise_error "
    "params durability strict_resume"
).split()


class LaunchForm(forms.Form):
    """A run's parameters. Empty means "not given", so that the SDK's own default holds."""

    server = ServerChoice(
        queryset=Server.objects.none(), required=False, label="Server", help_text="Where the run takes place."
    )
    assistant_id = forms.CharField(
        max_length=200,
        label="Assistant",
        help_text="Choose one, or type a graph's name or an assistant's id.",
        error_messages={"required": "Say which assistant is to run: choose one, or type a graph's name or an id."},
    )
    input = JSONText(
        label="Input", example='{"topic": "tides"}', help_text="What the graph works on, as JSON. Default: no input."
    )
    context = JSONText(
        label="Context",
        example='{"tone": "plain"}',
        help_text="Settings the assistant reads while it runs, as JSON. Default: the assistant's own.",
    )
    thread = forms.ChoiceField(
        choices=ThreadChoice.choices,
        required=False,
        widget=forms.RadioSelect,
        label="Thread",
        help_text="A new thread keeps its state; stateless keeps nothing. Default: new thread.",
    )
    thread_id = forms.CharField(
        required=False,
        max_length=200,
        label="Thread id",
        help_text="The thread to continue, a UUID. Only for an existing thread.",
    )
    name = forms.CharField(
        required=False,
        max_length=200,
        label="Name",
        help_text="How people find this run. Default: the assistant's name.",
    )
    tags = Tags(label="Tags", help_text="Words to filter by, with commas between. Default: none.")

    command = JSONText(
        label="Command",
        example='{"resume": "yes"}',
        help_text="Resume, update or goto instead of an input, as JSON. Default: none.",
    )
    strict_resume = BooleanText(
        label="Strict resume",
        help_text="With true, a resume that answers nothing that waits fails instead of being ignored, on servers that "
        "know this. Default: not given.",
    )
    checkpoint_id = forms.CharField(
        required=False,
        max_length=200,
        label="Checkpoint id",
        help_text="Start from this checkpoint of the thread. Default: its latest.",
    )
    checkpoint = JSONText(
        label="Checkpoint",
        example='{"checkpoint_id": "1ef4…", "checkpoint_ns": ""}',
        help_text="The same as a whole checkpoint object. Default: the thread's latest.",
    )
    if_not_exists = OptionText(
        [("reject", "reject: refuse the run"), ("create", "create: make the thread")],
        label="If the thread is missing",
        default_label="Default: reject (a new thread is always created)",
        help_text="What the server does when the thread does not exist. Default: reject.",
    )
    interrupt_before = NodeNames(
        label="Stop before nodes", help_text="Node names one a line, or * for every node. Default: none."
    )
    interrupt_after = NodeNames(
        label="Stop after nodes", help_text="Node names one a line, or * for every node. Default: none."
    )
    after_seconds = forms.IntegerField(
        required=False,
        # No type=number: a browser sends "" for what it cannot read, and the run would start at once.
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        min_value=0,
        max_value=AFTER_SECONDS_MAX,
        label="Start after seconds",
        help_text="Seconds the server waits before it starts the run. Default: at once.",
        error_messages={
            "invalid": "Give whole seconds, for example 60.",
            "min_value": "Give 0 or more seconds; a run cannot start in the past.",
            "max_value": "That is over a year. Give at most 31622400 seconds (366 days).",
        },
    )
    config = JSONText(
        label="Config",
        example='{"recursion_limit": 50}',
        help_text="tags, recursion_limit and configurable for the assistant, as JSON. Default: the assistant's own.",
    )
    metadata = JSONText(
        label="Metadata",
        example='{"ticket": "OPS-12"}',
        help_text="Kept with the run on the server, as JSON. Default: none but Runboard's run id.",
    )
    multitask_strategy = OptionText(
        [
            ("reject", "Refuse this run (reject)"),
            ("interrupt", "Stop the other, keep its work (interrupt)"),
            ("rollback", "Stop the other, undo its work (rollback)"),
            ("enqueue", "Wait until the other is done (enqueue)"),
        ],
        label="If the thread is busy",
        help_text="What to do when another run is at work on the thread. Default: the server's, enqueue.",
    )
    on_disconnect = OptionText(
        [("continue", "continue: the run goes on"), ("cancel", "cancel: the run is stopped")],
        label="If Runboard's line to the server drops",
        help_text="With cancel, the server stops the run when its line to Runboard is cut. A worker that is restarted "
        f"waits {settings.ENV.stop_grace_s} s for it first; one that crashes cannot. Default: continue.",
    )
    on_completion = OptionText(
        [("delete", "delete the thread"), ("keep", "keep the thread")],
        label="After a stateless run",
        help_text="What becomes of the thread the server makes for it. Default: delete.",
    )
    durability = OptionText(
        [
            ("sync", "sync: before the next step"),
            ("async", "async: while the next step runs"),
            ("exit", "exit: only at the end"),
        ],
        label="Durability",
        help_text="When the server saves each step. Default: async.",
    )
    checkpoint_during = BooleanText(
        label="Checkpoint during (deprecated)",
        help_text="The old way to say durability: true is async, false is sync. Default: not given.",
    )
    raise_error = BooleanText(
        default_label="Default: true",
        label="Raise the graph's error",
        help_text="With false, the error the server returned is kept as the final state. Default: true.",
    )
    webhook = forms.CharField(
        required=False,
        max_length=2000,
        label="Webhook",
        help_text="An http(s) address the server calls when the run is done. Default: none.",
    )
    langsmith_tracing = JSONText(
        label="LangSmith tracing",
        example='{"project_name": "demo"}',
        help_text="project_name and example_id, as JSON. Default: the server's own tracing.",
    )
    headers = JSONText(
        label="Headers",
        example='{"X-Team": "search"}',
        help_text="Extra request headers, as JSON. Values are kept encrypted and never shown again. Default: none.",
    )
    params = JSONText(
        label="Query parameters",
        example='{"trace": ["a", "b"]}',
        help_text="Added to the request's address, as JSON; a list repeats its key. Default: none.",
    )

    launch_key = forms.UUIDField(required=False, widget=forms.HiddenInput)
    parent = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        team: Team,
        by: User | None = None,
        files: Mapping[str, Any] | None = None,
        initial: dict[str, Any] | None = None,
        controls: QueryDict | None = None,
        fixed: Mapping[str, Fixed] | None = None,
        is_plain: bool = False,
    ) -> None:
        """`initial` and `controls` fill a form that was not posted: documents as JSON text, and by single controls.

        `fixed`: by document, the fields whose values are those of a preset, whatever is posted. `is_plain`: for a page
        without scripts.
        """
        super().__init__(data, initial=initial)
        self.team, self.by = team, by
        self.fixed = fixed or {}
        self.is_plain = is_plain
        self.controls = controls
        self.warnings: dict[str, list[str]] = {}
        # Off while a form is only shown again: nothing typed is to be called wrong before it is sent.
        self.is_checked = self.is_bound
        self.servers = list(server_list(team))
        self.assistant = self._assistant()
        self._read_documents(files, controls)
        field = self.fields["server"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = server_list(team)
        speak_plainly(self.fields)
        field.empty_label = None if len(self.servers) <= 1 else "Choose a server"
        for name, bound in self.fields.items():
            if bound.help_text and not isinstance(bound.widget, forms.RadioSelect):
                bound.widget.attrs["aria-describedby"] = f"id_{name}_help"
            if isinstance(bound, JSONText):
                bound.widget.attrs |= {"spellcheck": "false", "placeholder": bound.example, "rows": 4}
            if isinstance(bound, NodeNames):
                bound.widget.attrs |= {"spellcheck": "false", "rows": 2}

    def _assistant(self) -> Assistant | None:
        """The assistant that is meant, when it is one of those known."""
        server = str(self["server"].value() or "")
        text = str(self["assistant_id"].value() or "").strip()
        if not text:
            return None
        known = [one for one in assistant_list(self.team) if not server or str(one.server_id) == server]
        if (meant := assistant_meant(known, text)) is not None:
            return meant
        titles = assistant_titles(known)
        return next((one for one in known if titles[one.pk] == text), None)

    def _read_documents(self, files: Mapping[str, Any] | None, controls: QueryDict | None) -> None:
        self.documents: dict[str, Document] = {}
        plain = self.is_plain
        for name in DOCUMENTS:
            schema = schema_of(self.assistant, name)
            field = self.fields[name]
            if name == "input" and schema.value is not None:
                cast("JSONText", field).only_object = is_object(schema.value)
            if self.is_bound:
                document = Document.from_post(name, schema, self.data, files, self.fixed_of(name), is_plain=plain)
                if document.form is not None:
                    value = document.value
                    read = ReadDocument(None if value is MISSING else value, label=field.label)
                    self.fields[name] = read
            elif controls is not None and is_filled_by_controls(name, controls):
                as_form = controls.copy()
                as_form[f"{name}_view"] = "form"
                document = Document.from_post(name, schema, as_form, None, self.fixed_of(name))
            else:
                view = controls.get(f"{name}_view", "") if controls is not None else ""
                text = str(self.initial.get(name) or "")
                document = Document.of_text(name, schema, text, str(view), self.fixed_of(name), is_plain=plain)
            self.documents[name] = document

    def fixed_of(self, name: str) -> Fixed:
        return self.fixed.get(name, Fixed())

    # What the template shows.

    def main_documents(self) -> list[Document]:
        """What the assistant works on and is set up by; what it does not have stands under Advanced."""
        found = [self.documents["input"]]
        context, config = self.documents["context"], self.documents["config"]
        if context.has_form or context.value is not MISSING or context.text.strip():
            found.append(context)
        if self.assistant is not None and has_configurable(self.assistant.schemas):
            found.append(config)
        return found

    @property
    def parent_id(self) -> uuid.UUID | None:
        try:
            return uuid.UUID(str(self["parent"].value()))
        except ValueError:
            return None

    @property
    def errors(self) -> ErrorDict:
        return super().errors if self.is_checked else ErrorDict()

    def error_links(self) -> list[tuple[str, str, str, str]]:
        """Each mistake: the control's name, its label, the id to go to, and the sentence."""
        return self._links(self.errors)

    def warning_links(self) -> list[tuple[str, str, str, str]]:
        """The same of what can be launched but does nothing, or may be refused."""
        return self._links(self.warnings)

    def _links(self, found: Mapping[str, Iterable[Any]]) -> list[tuple[str, str, str, str]]:
        links = []
        for name, sentences in found.items():
            label, target = self._called(name)
            links += [("" if name == NON_FIELD_ERRORS else name, label, target, str(each)) for each in sentences]
        return links

    def _called(self, name: str) -> tuple[str, str]:
        """What a control is called on the page, and the id to go to. In the JSON view a document is one control."""
        document = self.documents.get(name.partition("/")[0])
        if document is not None and document.form is None:
            return document.label, f"field-{document.name}"
        if document is not None and document.form is not None:
            label = document.form.label_of(name)
            within = "" if name.partition("/")[0] in ("input", name) else f"{document.label}: "
            return f"{within}{label}", f"{id_of(name)}_field"
        if name in self.fields:
            return str(self.fields[name].label), f"field-{name}"
        return ("", "") if name == NON_FIELD_ERRORS else (name, f"{id_of(name)}_field")

    start_choices = (("", "After seconds"), ("in", "In …"), ("at", "At …"))
    start_units = tuple(UNITS)

    @property
    def start(self) -> dict[str, str]:
        """What was typed about the start, besides `after_seconds`."""
        names = ("start", "start_in", "start_unit", "start_at", "start_zone")
        source: Mapping[str, Any] = self.data if self.is_bound else self.controls or {}
        return {name: str(source.get(name) or "") for name in names}

    def side_fields(self) -> list[forms.BoundField]:
        return [self["name"], self["tags"]]

    def advanced_groups(self) -> list[tuple[str, list[forms.BoundField], list[Document]]]:
        """Every other parameter of `wait`, in groups with a heading."""
        shown = {document.name for document in self.main_documents()}
        groups = []
        for heading, names in ADVANCED_GROUPS:
            fields = [self[name] for name in names if name not in DOCUMENTS]
            documents = [self.documents[name] for name in names if name in DOCUMENTS and name not in shown]
            if heading == "Configuration" and "context" not in shown and self.assistant is None:
                documents.insert(0, self.documents["context"])
            groups.append((heading, fields, documents))
        return groups

    def advanced_given(self) -> int:
        """How many of the advanced parameters hold something."""
        shown = {document.name for document in self.main_documents()}
        names = [name for name in ADVANCED_FIELDS if name not in shown]
        return sum(1 for name in names if self._is_given(name))

    def _is_given(self, name: str) -> bool:
        if name in self.documents:
            document = self.documents[name]
            return document.value is not MISSING or bool(document.text.strip())
        return self[name].value() not in (None, "")

    def advanced_is_open(self) -> bool:
        """Advanced is open when it holds an error, or something typed; a fork is told of above the form."""
        names = {name.partition("/")[0] for name in (*self.errors, *self.warnings)}
        is_fork = self.parent_id is not None and self._is_given("checkpoint_id")
        return (self.advanced_given() > 0 and not is_fork) or any(name in names for name in ADVANCED_FIELDS)

    def uploads(self) -> bool:
        """Whether a file can be chosen somewhere: the page's form is then multipart/form-data."""
        return any("data-upload" in document.html for document in self.documents.values())

    # Checks.

    def clean_server(self) -> Server:
        server: Server | None = self.cleaned_data["server"]
        if server is not None:
            return server
        if len(self.servers) == 1:
            return self.servers[0]
        if not self.servers:
            raise ValidationError("This team has no LangGraph server yet. An admin adds one under Servers.")
        raise ValidationError("Choose the server on which the run takes place.")

    def clean_assistant_id(self) -> str:
        """What `wait` takes: the id of an assistant that was chosen by its title, else as typed."""
        text = str(self.cleaned_data["assistant_id"]).strip()
        if not is_visible(text):
            raise ValidationError(
                "This is made of characters that cannot be seen: choose an assistant, or type its id."
            )
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
        """The form views block; of the JSON views the schema's refusals only warn."""
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
            refuse("command", "Resume needs the existing thread that waits for the answer; choose it under Thread.")
        if data.get("context") is not None and config is not None and config.get("configurable") is not None:
            refuse("context", "Give a context or config.configurable, not both; the server refuses them together.")
        if data.get("checkpoint") is not None and data.get("checkpoint_id"):
            refuse("checkpoint_id", "Give a checkpoint or a checkpoint id, not both.")
        if data.get("on_completion") and choice != ThreadChoice.STATELESS:
            refuse("on_completion", "This is only for stateless runs; a run on a thread keeps its thread.")
        if data.get("if_not_exists") == "reject" and choice == ThreadChoice.NEW:
            refuse("if_not_exists", "A new thread is always missing at first: leave this empty, or choose create.")

    def _check_parent(self, data: dict[str, Any]) -> None:
        """Headers shown as dots mean the values of the run this one is launched again from.

        Only on the server they were for, and for who may use them: they would reach another server in clear.
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
                "same server only, and for who launched the run or is an admin.",
            )
        data["headers"] = {name: stored.get(name, value) if value == MASK else value for name, value in headers.items()}

    def order(self) -> LaunchOrder:
        """What `run_launch` takes. Only for a valid form."""
        data = self.cleaned_data
        parent: Run | None = data["parent"]
        return LaunchOrder(
            server=data["server"],
            assistant_id=data["assistant_id"],
            thread_choice=ThreadChoice(data["thread"]),
            thread_id=data["thread_id"] or None,
            params={name: data[name] for name in WAIT_PARAMETERS if is_given(name, data[name])},
            warnings=[sentence for sentences in self.warnings.values() for sentence in sentences],
            headers=data["headers"],
            name=data["name"],
            tags=data["tags"],
            parent=parent,
            parent_kind=ParentKind.AGAIN if parent else "",
            launch_key=data["launch_key"],
        )


def is_given(name: str, value: Any) -> bool:
    """Whether a cleaned value goes out: an empty text is one only as the input of a graph that takes texts."""
    return value is not None and (value != "" or name == "input")


def is_object(schema: Mapping[str, Any]) -> bool:
    """Whether a schema describes an object, or does not say what."""
    kind = Shapes(schema).of(schema).kind
    return kind in ("object", "json") or not schema


def is_filled_by_controls(name: str, controls: QueryDict) -> bool:
    """Whether an address fills a document by its single controls."""
    return controls.get(f"{name}_view") == "form" or any(control.startswith(f"{name}/") for control in controls)
