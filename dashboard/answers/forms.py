"""The form for an answer: shown by the shape of each question, and read back from a POST."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from dashboard.answers.decisions import decision_of, member
from dashboard.answers.details import Details
from dashboard.answers.quick import quick_of, without
from dashboard.answers.shapes import MESSAGE_DECISIONS, MUST_SAY, Action, Choice, Shape, shape_of
from dashboard.answers.showing import shown
from dashboard.runs.models import Question, Run, WaitState
from dashboard.schema_forms import MISSING, SchemaForm, json_text

Errors = dict[str, list[str]]


class ActionForm:
    """The controls for one action: its decision, a message, and the arguments to edit."""

    def __init__(
        self, action: Action, data: QueryDict | None, document: Any, post_url: str, *, approve_all: str = ""
    ) -> None:
        self.action = action
        self.decisions = [(word, action.label(word)) for word in action.decisions]
        self.chosen = str(_sent(data, f"{action.field}/type") or member(document, "type") or "")
        if not self.chosen and approve_all in action.decisions:
            self.chosen = approve_all
        self.messages = {word: self._message(word, data, document) for word in action.decisions}
        self.args = self._args(data, document, post_url) if "edit" in action.decisions else None
        self.error = ""
        self.message_error = ""
        self.is_last = document not in (None, MISSING)

    def _args(self, data: QueryDict | None, document: Any, post_url: str) -> SchemaForm:
        schema = self.action.args_schema or {"type": "object", "properties": _properties(self.action.args)}
        name, label = self.action.args_field, "Arguments"
        if data is not None and any(name.startswith(f"{self.action.args_field}/") for name in data):
            return SchemaForm.from_post(schema, data, name=name, label=label, post_url=post_url)
        edited = member(member(document, "edited_action") or member(document, "args"), "args")
        document = edited if isinstance(edited, dict) else dict(self.action.args)
        return SchemaForm(schema, name=name, label=label, post_url=post_url, document=document)

    def _message(self, word: str, data: QueryDict | None, document: Any) -> str:
        if data is not None:
            return str(data.get(f"{self.action.field}/message/{word}", data.get(f"{self.action.field}/message", "")))
        message = member(document, "message") or member(document, "args")
        return message if isinstance(message, str) and member(document, "type") == word else ""

    @property
    def fields(self) -> list[dict[str, Any]]:
        """Each decision, for the template."""
        return [
            {
                "word": word,
                "label": label,
                "is_message": word in MESSAGE_DECISIONS,
                "is_edit": word == "edit",
                "message": self.messages[word],
                "error": self.message_error if word == self.chosen else "",
                "is_chosen": word == self.chosen,
                "is_last": self.is_last and word == self.chosen,
            }
            for word, label in self.decisions
        ]

    def decision(self, *, is_old: bool, errors: Errors) -> Any:
        """The decision in the shape that the graph waits for; MISSING without one."""
        if not self.chosen:
            return MISSING
        if self.chosen not in self.action.decisions:
            self.error = "The assistant does not allow this decision."
            errors[self.action.field] = [self.error]
            return MISSING
        message = self.messages[self.chosen].replace("\r\n", "\n")
        if self.chosen == "edit":
            assert self.args is not None
            if not self.args.is_valid():
                errors.update(self.args.errors)
                return MISSING
            document = {} if self.args.document is MISSING else self.args.document
            edited = {("action" if is_old else "name"): self.action.name, "args": document}
            return {"type": "edit", ("args" if is_old else "edited_action"): edited}
        if self.chosen in MUST_SAY and not message.strip():
            self.message_error = "Write a response; it cannot be empty."
            errors[f"{self.action.field}/message/{self.chosen}"] = [self.message_error]
            return MISSING
        if is_old:
            return {"type": self.chosen, "args": message if self.chosen == "response" else None}
        if self.chosen == "respond" or (self.chosen == "reject" and message):
            return {"type": self.chosen, "message": message}
        return {"type": self.chosen}


class QuestionForm:
    """One question with the controls for its answer."""

    def __init__(
        self, question: Question, *, is_only: bool, data: QueryDict | None, document: Any, post_url: str
    ) -> None:
        self.question = question
        self.shape: Shape = shape_of(question)
        self.is_only = is_only
        self.id = question.interrupt_id
        self.name = f"answer/{self.id}"
        self.shown = shown(question, self.shape)
        self.errors: list[str] = []
        self.actions = [
            ActionForm(
                action,
                data,
                decision_of(document, self.shape, place),
                post_url,
                approve_all=(_sent(data, f"all/{self.id}")),
            )
            for place, action in enumerate(self.shape.actions)
        ]
        self.quick = quick_of(question.response_schema) if self.shape.kind == "schema" else None
        self.last = self._last(document) if data is None else ""
        self.schema_form = self._schema_form(data, document, post_url) if self.shape.kind == "schema" else None
        self.view = _sent(data, f"answer_view/{self.id}") or "text"
        self.text = self._text(data, document)
        self.chosen = _sent(data, f"choice/{self.id}") or ("" if self.quick else self.last)
        self._data = data

    @property
    def is_single(self) -> bool:
        """Whether buttons decide it."""
        return self.is_only and len(self.actions) == 1

    @property
    def may_approve_all(self) -> str:
        """The word that approves every action; "" when there is none."""
        words = [word for word in ("approve", "accept") if all(word in each.action.decisions for each in self.actions)]
        return words[0] if words else ""

    @property
    def choices(self) -> list[Choice]:
        """The choices it offers, as buttons."""
        if self.shape.kind == "yes_no":
            return [Choice("Yes", True), Choice("No", False)]
        return list(self.shape.choices)

    def _last(self, document: Any) -> str:
        """The value of the button that gave `document`; "" when none of them did."""
        if document is MISSING:
            return ""
        if self.quick is None:
            same = [
                str(place)
                for place, choice in enumerate(self.choices)
                if json_text.write(choice.value) == json_text.write(document)
            ]
            return same[0] if same and not self.actions else ""
        value = member(document, self.quick.property) if self.quick.property else document
        posted = {True: "true", False: "false"}[value] if isinstance(value, bool) else value
        return next((word for word, _ in self.quick.choices if word == posted), "")

    def _schema_form(self, data: QueryDict | None, document: Any, post_url: str) -> SchemaForm:
        schema = self.question.response_schema
        if self.quick and self.is_only:
            schema = without(schema, self.quick.property) if self.quick.property else schema
            if isinstance(document, dict):  # a button's label is no field
                document = {key: value for key, value in document.items() if key != self.quick.property}
        label = str(schema.get("title") or "Answer")
        if data is not None:
            return SchemaForm.from_post(schema, data, name=self.name, label=label, post_url=post_url)
        return SchemaForm(schema, name=self.name, label=label, document=document, post_url=post_url)

    @property
    def has_fields(self) -> bool:
        """Whether there is more to fill in than the buttons of `quick`."""
        if self.schema_form is None:
            return False
        is_whole = self.quick is not None and self.is_only
        return not is_whole or bool(self.quick and self.quick.property and self.schema_form.schema.get("properties"))

    def _text(self, data: QueryDict | None, document: Any) -> str:
        if data is not None:
            return str(data.get(self.name, ""))
        if document is MISSING or self.last or self.shape.kind in ("schema", "batched", "per_call"):
            return ""
        self.view = "text" if isinstance(document, str) else "json"
        return document if isinstance(document, str) else json_text.write(document)

    def answer(self, errors: Errors) -> Any:
        """The value; MISSING when this question is left unanswered."""
        assert self._data is not None
        if self.actions:
            return self._decided(errors)
        if self.schema_form is not None:
            return self._by_schema(errors)
        if self.chosen:
            place = int(self.chosen) if self.chosen.isdecimal() else -1
            if 0 <= place < len(self.choices):
                return self.choices[place].value
            return self._wrong(errors, self.name, "This is not one of the offered answers.")
        if not self.is_only and not self.text:
            return MISSING
        if self.view == "json":
            try:
                return json_text.parse(self.text)
            except json_text.Problem as problem:
                return self._wrong(errors, self.name, f"This is not JSON. {problem}")
        return self.text.replace("\r\n", "\n")

    def _decided(self, errors: Errors) -> Any:
        is_old = self.shape.kind.startswith("human")
        decisions = [form.decision(is_old=is_old, errors=errors) for form in self.actions]
        if all(decision is MISSING for decision in decisions):
            return MISSING
        if MISSING in decisions:
            for form, decision in zip(self.actions, decisions, strict=True):
                if decision is MISSING and not form.chosen:
                    form.error = "Decide this one too: all of them are answered together."
                    errors[form.action.field] = [form.error]
            return MISSING
        if self.shape.kind == "batched":
            return {"decisions": decisions}
        return decisions if self.shape.kind == "human_interrupts" else decisions[0]

    def _by_schema(self, errors: Errors) -> Any:
        assert self.schema_form is not None
        assert self._data is not None
        full = SchemaForm.from_post(self.question.response_schema, self._data, name=self.name)
        given = any(
            self._data.get(name) for name in self._data if name == self.name or name.startswith(f"{self.name}/")
        )
        if not given and not self.is_only:
            return MISSING
        if full.is_valid() and full.document is not MISSING:
            return full.document
        self.schema_form.is_valid()
        self.schema_form.errors = full.errors
        if full.errors:
            errors.update(full.errors)
            return MISSING
        return self._wrong(errors, self.name, "Give an answer.")

    def _wrong(self, errors: Errors, name: str, sentence: str) -> Any:
        self.errors.append(sentence)
        errors[name] = [sentence]
        return MISSING

    def act(self, verb: str) -> SchemaForm | None:
        """Carry out a row button; returns the form that it changed, None when it belongs to none of these."""
        forms = [self.schema_form, *(form.args for form in self.actions)]
        return next((form for form in forms if form is not None and form.act(verb)), None)


@dataclass
class AnswerForm:
    """All open questions of a run in one form. Each may stay unanswered unless it is the only one."""

    run: Run
    questions: list[QuestionForm]
    details: Details
    errors: Errors = field(default_factory=dict)
    key: str = field(default_factory=lambda: str(uuid.uuid4()))

    html: SchemaForm | None = None
    """The schema form that `act` changed, for htmx to show again."""
    changes: dict[str, Any] = field(default_factory=dict)
    """What replaces inherited parameters; filled by `answers`."""

    @property
    def is_several(self) -> bool:
        return len(self.questions) > 1

    @property
    def needs_multipart(self) -> bool:
        """Whether a file may be uploaded."""
        return any(each.schema_form is not None and each.schema_form.needs_multipart for each in self.questions)

    def answers(self) -> dict[str, Any]:
        """The answers by interrupt id. Fills `errors`."""
        found = {}
        for question in self.questions:
            value = question.answer(self.errors)
            if value is not MISSING:
                found[question.id] = value
        self.changes = self.details.changes(self.errors)
        if not found and not self.errors:
            self.errors["answers"] = ["Answer at least one of the questions."]
        return {} if self.errors else found

    def act(self, verb: str) -> None:
        """Carry out a row button."""
        self.html = next((form for question in self.questions if (form := question.act(verb))), None)


def answer_form(
    run: Run, *, post_url: str, data: QueryDict | None = None, documents: Mapping[str, Any] | None = None
) -> AnswerForm:
    """The form for what `run` asks: blank, as posted, or filled with answers by interrupt id."""
    asked: Sequence[Question] = [question for question in run.questions.all() if question.state == WaitState.OPEN]
    questions = [
        QuestionForm(
            question,
            is_only=len(asked) == 1,
            data=data,
            document=(documents or {}).get(question.interrupt_id, MISSING),
            post_url=post_url,
        )
        for question in asked
    ]
    form = AnswerForm(run, questions, Details(run, data))
    if data is not None and data.get("launch_key"):
        form.key = str(data["launch_key"])
    return form


def _properties(args: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _type_of(value) for key, value in args.items()}


def _type_of(value: Any) -> dict[str, Any]:
    """A schema for the value, from its type."""
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int):
        return {"type": "integer"}
    if isinstance(value, float):
        return {"type": "number"}
    if isinstance(value, str):
        return {"type": "string"}
    if isinstance(value, dict):
        return {"type": "object", "properties": _properties(value)}
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return {"type": "array", "items": {"type": "string"}}
    return {}


def _sent(data: QueryDict | None, name: str) -> str:
    """A control's posted text; "" when it was not sent."""
    return str(data.get(name, "")) if data is not None else ""
