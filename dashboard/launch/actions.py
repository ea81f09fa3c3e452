"""The buttons inside the launch form. None of them launches anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.launch.documents import Document
from dashboard.launch.forms import LaunchForm
from dashboard.runs.models import Run


@dataclass(frozen=True)
class Done:
    """What changed: a document (a row of it, or its view); None: everything, because another assistant was chosen."""

    document: Document | None
    is_row: bool = False


def form_act(form: LaunchForm, data: Mapping[str, Any]) -> Done | None:
    """Carry out the button `do`; None for an unknown one.

    "restore" (a draft), "assistant", "view <document>", or a row button of a document's form.
    """
    action = str(data.get("do") or "")
    form.is_checked = False
    if action == "restore":
        return Done(None)
    if action == "assistant":
        for document in form.documents.values():
            document.forget_unknown(form.fixed_of(document.name))
        return Done(None)
    verb, _, name = action.partition(" ")
    if verb == "view" and name in form.documents:
        document = form.documents[name]
        wanted = str(data.get(f"{name}_view") or "")
        if wanted == "json" and document.form is not None:
            document.show_json()
        elif wanted == "form" and document.form is None and document.has_form:
            document.show_form(form.fixed_of(name))
        return Done(document)
    for document in form.documents.values():
        if document.form is not None and document.form.act(action):
            return Done(document, is_row=True)
    return None


def form_parent(form: LaunchForm) -> Run | None:
    """The run that the posted form launches again."""
    return Run.objects.filter(team=form.team, pk=form.parent_id).first() if form.parent_id else None
