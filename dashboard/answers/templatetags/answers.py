"""The answer panel of a run's page, and what an action shows; pushed fragments use it without a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboard.answers import fragments
from dashboard.answers.decisions import Decided, decided
from dashboard.answers.shapes import shape_of
from dashboard.answers.showing import Shown, fields_of, shown
from dashboard.runs.models import Question, Run
from dashboard.runs.state.markdown import markdown
from dashboard.runs.state.seen import showable
from dashboard.runs.state.view import Node, value_tree
from dashboard.runs.templatetags.runs import tree

register = template.Library()


@register.simple_tag(takes_context=True)
def inbox_count(context: Any) -> SafeString:
    """How many questions wait for the team, for the navigation."""
    team = getattr(context.get("request"), "team", None)
    return fragments.inbox_count_html(team, context.get("inbox_waiting")) if team else SafeString("")


@register.simple_tag(takes_context=True)
def answer_panel(context: Any, run: Run) -> SafeString:
    """What a run waits for, with the form to answer it, on its page."""
    return fragments.answer_html(run, may_act=bool(context.get("may_act")), request=context.get("request"))


@register.simple_tag(takes_context=True)
def attention(context: Any, run: Run) -> SafeString:
    """Who is assigned to its question, on a run's page and pushed."""
    return fragments.attention_html(run, may_act=bool(context.get("may_act")), request=context.get("request"))


@register.simple_tag(takes_context=True)
def answer_panel_live(context: Any, run: Run) -> SafeString:
    """The same, pushed: a form that may hold what somebody typed is never replaced while its question is open."""
    return fragments.answer_live_html(run, may_act=bool(context.get("may_act")))


@dataclass(frozen=True)
class Asked:
    """A question that is over, with what was decided about its actions, or else its answer: by name, or as a tree."""

    question: Question
    shown: Shown
    decisions: list[Decided]
    fields: dict[str, Any]
    answer: Node | None


@register.filter
def asked_questions(run: Run) -> list[Asked]:
    """What a run asked, and what was answered."""
    return [_asked(question) for question in run.questions.all()]


def _asked(question: Question) -> Asked:
    shape = shape_of(question)
    decisions = decided(shape, question.answer) if question.answer_json else None
    is_plain = bool(question.answer_json) and not decisions
    fields = fields_of(question.answer) if is_plain else {}
    answer = value_tree(question.answer) if is_plain and not fields else None
    return Asked(question, shown(question, shape), decisions or decided(shape) or [], fields, answer)


@register.filter
def asking_steps(run: Run) -> str:
    """The names of the steps that wait, each once."""
    return ", ".join(dict.fromkeys(showable(str(node)) for node in run.ending.get("next") or []))


@register.simple_tag
def argument(value: Any) -> SafeString:
    """An argument of an action: texts as they are, everything else as a tree."""
    if isinstance(value, str) and value:
        return format_html('<span class="argument-text">{}</span>', showable(value))
    return tree(value_tree(value))


@register.filter
def as_markdown(text: str) -> SafeString:
    """A description's Markdown as safe HTML."""
    return markdown(text)
