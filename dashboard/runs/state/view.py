"""A final state made readable: messages as a conversation, the rest as a tree. Never changes what is stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore

from dashboard.runs.models import Run
from dashboard.runs.selectors import run_result
from dashboard.runs.state.storage import beginning

PARSE_MAX_BYTES = 8_000_000
CONVERSATION_TURNS = 100
CONVERSATION_CHARS = 100_000
MESSAGE_CHARS = 20_000
TREE_NODES = 1_500
TREE_DEPTH = 40
TEXT_CHARS = 4_000
RAW_CHARS = 20_000

_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])


def _one_heading_level(state: StateCore) -> None:
    """A message's headings stand below the page's own, whatever level they were written at."""
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = "h3"


_markdown.core.ruler.push("one_heading_level", _one_heading_level)
_TAGS = set("p br hr strong em s code pre blockquote ul ol li h1 h2 h3 h4 h5 h6 table thead tbody tr th td a".split())


@dataclass
class Node:
    """One place in the tree. `kind` is JSON's type; `text` is the value as shown; `hidden` says what was left out."""

    label: str
    kind: str
    text: str = ""
    children: list[Node] = field(default_factory=list)
    hidden: int = 0
    is_long: bool = False


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: str
    name: str
    html: SafeString
    tool_calls: list[Node]
    # How many characters of it are not shown.
    hidden: int = 0


@dataclass(frozen=True)
class FinalState:
    """What the Result tab shows."""

    size_bytes: int
    sha256: str
    messages: list[Message] = field(default_factory=list)
    # How many messages before these are not shown.
    earlier: int = 0
    tree: Node | None = None
    # Why there is no tree; then `raw` begins the document.
    problem: str = ""
    raw: str = ""


def final_state_of(run: Run) -> FinalState | None:
    """The run's final state for a page; None when there is none."""
    result = run_result(run)
    if result is None:
        return None
    sha256 = bytes(result.sha256).hex()
    if result.size_bytes > PARSE_MAX_BYTES:
        told = "It is too large to be laid out here; this is how it begins. Download it to read it whole."
        return FinalState(result.size_bytes, sha256, problem=told, raw=_raw(beginning(run.pk, RAW_CHARS * 4)))
    body = result.body
    try:
        value = json.loads(body.decode("utf-8", "surrogatepass"))
    except RecursionError:
        told = "It is nested too deeply to be laid out; this is how it begins."
        return FinalState(result.size_bytes, sha256, problem=told, raw=_raw(body))
    except ValueError:
        told = "It could not be read as JSON; this is how it begins."
        return FinalState(result.size_bytes, sha256, problem=told, raw=_raw(body))
    turns = _turns(value)
    rest = {key: part for key, part in value.items() if key != "messages"} if turns else value
    messages = _messages(turns)
    return FinalState(
        result.size_bytes,
        sha256,
        messages,
        earlier=len(turns) - len(messages),
        tree=value_tree(rest) if rest or not turns else None,
    )


def value_tree(value: Any) -> Node:
    """Any JSON value as a tree of at most TREE_NODES nodes; what does not fit is counted, not dropped silently."""
    return _node("", value, [TREE_NODES], TREE_DEPTH)


def _node(label: str, value: Any, budget: list[int], depth: int) -> Node:
    budget[0] -= 1
    if isinstance(value, dict | list):
        kind = "object" if isinstance(value, dict) else "array"
        node = Node(label, kind, text=_count(value))
        for key, part in _parts(value):
            if budget[0] <= 0 or depth <= 0:
                node.hidden += 1
                continue
            node.children.append(_node(key, part, budget, depth - 1))
        return node
    return _leaf(label, value)


def _parts(value: dict[str, Any] | list[Any]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from ((showable(str(key)), part) for key, part in value.items())
    else:
        yield from ((str(index), part) for index, part in enumerate(value))


def _leaf(label: str, value: Any) -> Node:
    if value is None:
        return Node(label, "null", "null")
    if isinstance(value, bool):
        return Node(label, "boolean", "true" if value else "false")
    if isinstance(value, int | float):
        return Node(label, "number", _number(value))
    text = showable(str(value))
    return Node(
        label,
        "string",
        text[:TEXT_CHARS],
        hidden=max(0, len(text) - TEXT_CHARS),
        is_long=len(text) > 80 or "\n" in text,
    )


def _number(value: float) -> str:
    try:
        return json.dumps(value)
    except ValueError:  # an integer of more digits than Python likes to print
        return hex(int(value))


def _count(value: dict[str, Any] | list[Any]) -> str:
    words = ("key", "keys") if isinstance(value, dict) else ("item", "items")
    return f"{len(value)} {words[0] if len(value) == 1 else words[1]}"


def _turns(value: Any) -> list[dict[str, Any]]:
    """The conversation of a state whose `messages` are LangChain messages; [] when it is no such state."""
    turns = value.get("messages") if isinstance(value, dict) else None
    return turns if isinstance(turns, list) and all(_is_message(turn) for turn in turns) else []


def _messages(turns: list[dict[str, Any]]) -> list[Message]:
    """The last turns, as many as a page can carry; the first of them may be cut."""
    shown: list[Message] = []
    chars, nodes = [CONVERSATION_CHARS], [TREE_NODES]
    for turn in reversed(turns):
        if len(shown) == CONVERSATION_TURNS or chars[0] <= 0:
            break
        shown.append(_message(turn, chars, nodes))
    return shown[::-1]


def _message(turn: dict[str, Any], chars: list[int], nodes: list[int]) -> Message:
    """One turn, of at most `chars` characters and `nodes` places in all; takes off both what it used."""
    text = _content(turn.get("content"))
    shown = text[: min(chars[0], MESSAGE_CHARS)]
    chars[0] -= len(shown)
    return Message(
        role=showable(str(turn.get("type") or turn.get("role"))),
        name=showable(str(turn.get("name") or "")),
        html=markdown(shown),
        hidden=len(text) - len(shown),
        tool_calls=[
            _node(showable(str(call.get("name") or "tool")), call.get("args"), nodes, 10)
            for call in _calls(turn)
            if nodes[0] > 0
        ],
    )


def _calls(turn: dict[str, Any]) -> list[dict[str, Any]]:
    calls = turn.get("tool_calls")
    return [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []


def _is_message(turn: Any) -> bool:
    return isinstance(turn, dict) and "content" in turn and isinstance(turn.get("type") or turn.get("role"), str)


def _content(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        texts = [
            part
            if isinstance(part, str)
            else str(part.get("text", ""))
            if isinstance(part, dict) and part.get("type") == "text"
            else "```json\n" + json.dumps(part, ensure_ascii=False, indent=2) + "\n```"
            for part in content
        ]
        return "\n\n".join(texts)
    return "" if content is None else json.dumps(content, ensure_ascii=False)


def markdown(text: str) -> SafeString:
    """Markdown as safe HTML: no raw HTML, no images, links that open elsewhere without telling where they came from."""
    html = _markdown.render(showable(text))
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href", "title"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(clean)  # noqa: S308 - cleaned by nh3 in the line above


def showable(text: str) -> str:
    """`text` as a page can carry it: NUL shows as its picture, lone surrogates as the replacement character."""
    return text.replace("\x00", "\u2400").encode("utf-8", "replace").decode("utf-8")


def _raw(body: bytes) -> str:
    return showable(body[: RAW_CHARS * 4].decode("utf-8", "replace"))[:RAW_CHARS]
