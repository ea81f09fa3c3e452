"""What a run was about and how it ended, each in one line. Guesses for people to read, not for programs to act on.

They come from documents of any shape, so nothing here may fail or take long: a worker that stores an outcome must
not lose it over a line of text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from dashboard.runs.text import is_visible, one_line

LINE_CHARS = 160
BODY_MAX_BYTES = 300_000
"""Larger final states are not parsed for a line of text."""
ABOUT = " · "
CONTINUED = "Continued"
DEPTH = 4
LOOKED_AT = 200

TITLES = ("title", "topic", "subject", "question", "query", "prompt", "task", "headline")
TEXTS = ("text", "message", "content", "description", "instructions", "request", "input", "name")
ANSWERS = (
    "answer", "final_answer", "output", "final_output", "response", "result", "final_report", "report", "summary",
    "running_summary", "completion", "text", "content", "message",
)  # fmt: skip
HUMANS = {"human", "user", "HumanMessage"}
ASSISTANTS = {"ai", "assistant", "AIMessage", "AIMessageChunk"}

_MARKED = ("x-title", "x-runboard-title")
_OPAQUE = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|[0-9a-fA-F]{24,}|https?://\S+|data:\S+|[A-Za-z0-9+/_=-]{40,}")
_MARKDOWN = re.compile(r"[#>*`|~_]+|!?\[|\]\([^()\n]*\)")


def input_summary(value: Any, schema: Any = None) -> str:
    """What a run is about, from its input: what the schema marks as its title, else the first text a person wrote,
    else the most telling short value; "" when there is none.

    A schema marks a property with `"x-title": true`, or names it at the top as `"x-title": "topic"`.
    """
    try:
        return one_line(_marked(value, schema) or _about(value), LINE_CHARS)
    except (RecursionError, ValueError):
        return ""


def command_summary(command: Any) -> str:
    """The same for a run that was launched with a command."""
    if not isinstance(command, Mapping):
        return ""
    if "resume" in command:
        answer = ", ".join(filter(None, map(_about, _answers(command["resume"]))))
        return one_line(f"Answer: {answer}" if answer else "Answer", LINE_CHARS)
    if isinstance(goto := command.get("goto"), str):
        return one_line(f"Go to {goto}", LINE_CHARS)
    return input_summary(command.get("update"))


def summary_after(summary: str, before: str) -> str:
    """The summary of a run that answers or continues another one: what it does, then what that one is about.

    `before`: the other one's summary, which can itself be of this kind: "Answer: approve · Refund 5 € for order 95430".
    """
    begins, _, about = before.partition(ABOUT)
    if not about or not begins.startswith(("Answer", CONTINUED)):
        about = before
    return one_line(ABOUT.join(filter(None, (summary or CONTINUED, about))), LINE_CHARS)


def outcome_text(
    *, error: tuple[str, str, str] | None = None, ending: Mapping[str, Any] | None = None, state: Any = None
) -> str:
    """How a run ended: its error (type, message, node), else its question, else the first words of its answer."""
    try:
        if error is not None:
            kind, message, node = error
            where = f"{kind} in {node}" if kind and node else kind or node
            return one_line(f"{where}: {message}" if where and message else where or message, LINE_CHARS)
        if asked := _question((ending or {}).get("interrupts")):
            return one_line(asked, LINE_CHARS)
        nodes = (ending or {}).get("next")
        if isinstance(nodes, list) and nodes:
            return one_line("Waits at " + ", ".join(str(node) for node in nodes[:3]), LINE_CHARS)
        return one_line(plain_words(_answer(state)), LINE_CHARS)
    except (RecursionError, ValueError):
        return ""


def state_of(body: bytes | None) -> Any:
    """A final state to take words from; None when there is none, it is large, or it cannot be read."""
    if body is None or len(body) > BODY_MAX_BYTES:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def plain_words(markdown: str) -> str:
    """The first words of a Markdown text: those after its title, if there are any."""
    lines = markdown[: 10 * LINE_CHARS].strip().split("\n")
    if len(lines) > 1 and lines[0].startswith("#"):
        lines = lines[1:]
    return _MARKDOWN.sub("", " ".join(lines))


def _marked(value: Any, schema: Any) -> str:
    if not isinstance(schema, Mapping) or not isinstance(value, Mapping):
        return ""
    properties = schema.get("properties")
    names = [schema.get(key) for key in _MARKED]
    if isinstance(properties, Mapping):
        names += [
            name for name, part in properties.items() if isinstance(part, Mapping) and any(part.get(m) for m in _MARKED)
        ]
    for name in names:
        if isinstance(name, str) and name in value:
            return _about(value[name])
    return ""


def _about(value: Any) -> str:
    if isinstance(value, str):
        return value if is_visible(value) else ""
    if value is None:
        return ""
    if not isinstance(value, dict | list):
        return _scalar(value)
    if said := _said(value, HUMANS, last=False):
        return said
    leaves = list(_leaves(value))
    for names in (TITLES, TEXTS):
        for name in names:
            for path, leaf in leaves:
                if path and path[-1] == name and isinstance(leaf, str) and _is_human(leaf):
                    return leaf
    texts = [leaf for _, leaf in leaves if isinstance(leaf, str) and _is_human(leaf)]
    if texts:
        return next((text for text in texts if " " in text.strip()), texts[0])
    return ", ".join(
        f"{path[-1]} {_scalar(leaf)}" if path and not path[-1].isdigit() else _scalar(leaf)
        for path, leaf in leaves[:3]
        if not isinstance(leaf, str) or 0 < len(leaf) <= 40
    )


def _answers(resume: Any) -> list[Any]:
    """The answers that a command sends: several, or one, by ids that say nothing; else all of it."""
    if isinstance(resume, dict) and resume and all(_OPAQUE.fullmatch(name) for name in resume):
        return list(resume.values())
    return [resume]


def _answer(state: Any) -> str:
    if isinstance(state, str):
        return state
    if not isinstance(state, dict | list):
        return "" if state is None else _scalar(state)
    if said := _said(state, ASSISTANTS, last=True):
        return said
    if isinstance(state, dict):
        for name in ANSWERS:
            found = state.get(name)
            if isinstance(found, str) and is_visible(found):
                return found
    texts = [leaf for _, leaf in _leaves(state) if isinstance(leaf, str) and _is_human(leaf)]
    return next((text for text in reversed(texts) if " " in text.strip()), texts[-1] if texts else "")


def _said(value: Any, speakers: set[str], *, last: bool) -> str:
    """The first or last text that one of the speakers said in a conversation."""
    messages = value if isinstance(value, list) else None
    if isinstance(value, dict):
        found = value.get("messages")
        messages = found if isinstance(found, list) else [found] if isinstance(found, dict | str) else None
    if messages is None:
        return ""
    for message in reversed(messages[-LOOKED_AT:]) if last else messages[:LOOKED_AT]:
        if isinstance(message, str):
            text = message if not last else ""
        elif isinstance(message, list | tuple) and len(message) == 2 and message[0] in speakers:
            text = _content(message[1])
        elif isinstance(message, dict) and {message.get("type"), message.get("role")} & speakers:
            text = _content(message.get("content"))
        else:
            continue
        if is_visible(text):
            return text
    return ""


def _content(content: Any) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = [part if isinstance(part, str) else part.get("text") for part in content if isinstance(part, str | dict)]
    return " ".join(text for text in texts if isinstance(text, str))


def _question(interrupts: Any) -> str:
    """What a graph asks, in the shapes that are known (SHAPES: a text, a question, an action to approve)."""
    if not isinstance(interrupts, list) or not interrupts:
        return ""
    first = interrupts[0]
    value = first["value"] if isinstance(first, dict) and "value" in first else first
    more = f" (and {len(interrupts) - 1} more)" if len(interrupts) > 1 else ""
    return (_asked(value) or "Waits for an answer") + more


def _asked(value: Any) -> str:
    if isinstance(value, list) and len(value) >= 1:
        return _asked(value[0])
    if not isinstance(value, dict):
        return _about(value)
    for name in ("question", "title", "prompt"):
        if isinstance(value.get(name), str) and is_visible(value[name]):
            return str(value[name])
    action: Any = value.get("action_request") or value.get("action_requests") or value
    if isinstance(action, list):
        action = action[0] if action else {}
    if not isinstance(action, dict):
        return _about(value)
    called, arguments = action.get("action") or action.get("name"), action.get("args")
    if not isinstance(called, str):
        return _about(value)
    shown = list(arguments.items())[:4] if isinstance(arguments, dict) else []
    said = ", ".join(f"{key} {_scalar(item)}" for key, item in shown if not _is_branch(item))
    return f"{called}: {said}" if said else called


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The first scalars of a document with their places, outer ones first."""
    level, seen = [(path, value)], 0
    for _ in range(DEPTH):
        below = []
        for where, branch in level:
            items = branch.items() if isinstance(branch, dict) else enumerate(branch)
            for key, item in items:
                seen += 1
                if seen > LOOKED_AT:
                    return
                if _is_branch(item):
                    below.append(((*where, str(key)), item))
                elif item is not None and item != "":
                    yield (*where, str(key)), item
        level = below


def _is_branch(value: Any) -> bool:
    return isinstance(value, dict | list)


def _is_human(text: str) -> bool:
    """Whether a text reads as words: no id, address or key."""
    text = text.strip()
    return (
        is_visible(text)
        and any(char.isalpha() or ord(char) > 0x2000 for char in text[:400])
        and not (" " not in text and _OPAQUE.fullmatch(text[:400]))
    )


def _scalar(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    return str(value)[:100] if not isinstance(value, int) or -(10**30) < value < 10**30 else "a large number"
