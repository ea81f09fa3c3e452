"""The form that collects a run's parameters (`parameters.py`), checks them (`checks.py`) and makes an order of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, cast

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.forms.utils import ErrorDict
from django.http import QueryDict

from dashboard.launch.checks import CheckedParameters, is_object
from dashboard.launch.documents import NAMES as DOCUMENTS
from dashboard.launch.documents import Document, has_configurable, schema_of
from dashboard.launch.fields import JSONText, ReadDocument
from dashboard.launch.parameters import ADVANCED_FIELDS, ADVANCED_GROUPS, WAIT_PARAMETERS
from dashboard.launch.schedule import UNITS
from dashboard.runs.models import ParentKind, Run, ThreadChoice
from dashboard.runs.services import LaunchOrder
from dashboard.schema_forms import MISSING, Fixed
from dashboard.schema_forms.nodes import id_of
from dashboard.servers.models import Assistant
from dashboard.servers.selectors import assistant_meant, assistant_titles, assistant_whole, assistants_on, server_list
from dashboard.teams.models import Team, User


class LaunchForm(CheckedParameters):
    """A run's parameters with the forms of their documents, as the page shows them."""

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
        mine = server_list(team)
        self.servers = list(mine)
        meant = self._assistant()
        self.assistant = assistant_whole(meant) if meant is not None else None
        self._read_documents(files, controls)
        field = self.fields["server"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = mine
        field.empty_label = None if len(self.servers) <= 1 else "Choose a server"

    @cached_property
    def assistants(self) -> list[Assistant]:
        """All that there are to choose from."""
        return assistants_on(self.servers)

    def _assistant(self) -> Assistant | None:
        """The assistant that is meant, when it is one of those known."""
        server = str(self["server"].value() or "")
        text = str(self["assistant_id"].value() or "").strip()
        if not text:
            return None
        known = [one for one in self.assistants if not server or str(one.server_id) == server]
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
                    self.fields[name] = ReadDocument(document.given, label=field.label)
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
        """The assistant's input and settings; those it does not have are under Advanced."""
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

    def is_blank(self, names: Iterable[str]) -> bool:
        """Whether nothing was given in any of these fields, nor is anything to be said of them."""
        is_shown_first = not self.is_bound and not any(self.start.values())
        return is_shown_first and not any(self._is_given(name) for name in names)

    def advanced_groups(self) -> list[tuple[str, tuple[str, ...], list[Document]]]:
        """Every other parameter of `wait`, in groups with a heading: the names of fields, and documents."""
        shown = self._shown
        groups = []
        for heading, names in ADVANCED_GROUPS:
            fields = tuple(name for name in names if name not in DOCUMENTS)
            documents = [self.documents[name] for name in names if name in DOCUMENTS and name not in shown]
            if heading == "Configuration" and "context" not in shown and self.assistant is None:
                documents.insert(0, self.documents["context"])
            groups.append((heading, fields, documents))
        return groups

    @cached_property
    def _shown(self) -> set[str]:
        """The documents that do not stand under Advanced."""
        return {document.name for document in self.main_documents()}

    @cached_property
    def advanced_given(self) -> int:
        """How many of the advanced parameters hold something."""
        names = [name for name in ADVANCED_FIELDS if name not in self._shown]
        return sum(1 for name in names if self._is_given(name))

    def _is_given(self, name: str) -> bool:
        if name in self.documents:
            document = self.documents[name]
            return document.value is not MISSING or bool(document.text.strip())
        value = self[name].value() if self.is_bound else self.initial.get(name)
        return value not in (None, "")

    def advanced_is_open(self) -> bool:
        """Advanced is open when it holds an error, or something typed; a fork is described above the form."""
        names = {name.partition("/")[0] for name in (*self.errors, *self.warnings)}
        is_fork = self.parent_id is not None and self._is_given("checkpoint_id")
        return (self.advanced_given > 0 and not is_fork) or any(name in names for name in ADVANCED_FIELDS)

    def uploads(self) -> bool:
        """Whether a file can be chosen somewhere: the page's form is then multipart/form-data."""
        return any("data-upload" in document.html for document in self.documents.values())

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


def is_filled_by_controls(name: str, controls: QueryDict) -> bool:
    """Whether an address fills a document by its single controls."""
    return controls.get(f"{name}_view") == "form" or any(control.startswith(f"{name}/") for control in controls)
