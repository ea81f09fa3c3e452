"""The messages of a conversation: one schema in place of the twelve-fold union that LangChain publishes.

Servers take message shorthands (`{"role": "user", "content": "hi"}`, a plain text) that the published schema refuses.
"""

from __future__ import annotations

from typing import Any, Final

ROLES: Final = {"user": "User", "assistant": "Assistant", "system": "System", "tool": "Tool", "developer": "Developer"}
TYPES: Final = {"human": "User", "ai": "Assistant", "system": "System", "tool": "Tool"}

_TEXT: Final = {"type": "object", "title": "Text", "required": ["type", "text"],
    "properties": {"type": {"const": "text"}, "text": {"type": "string", "title": "Text"}}}  # fmt: skip
_IMAGE: Final = {"type": "object", "title": "Image", "required": ["type", "image_url"],
    "properties": {"type": {"const": "image_url"},
        "image_url": {"type": "object", "title": "Image", "required": ["url"],
            "properties": {"url": {"type": "string", "title": "Image", "format": "data-url",
                "description": "An address (https://…), or a file to upload."}}}}}  # fmt: skip
_FILE: Final = {"type": "object", "title": "File", "required": ["type", "file"],
    "properties": {"type": {"const": "file"}, "file": {"type": "object", "title": "File", "required": ["file_data"],
        "properties": {"filename": {"type": "string", "title": "File name"},
            "file_data": {"type": "string", "title": "File", "format": "data-url"}}}}}  # fmt: skip
BLOCKS: Final[list[dict[str, Any]]] = [_TEXT, _IMAGE, _FILE]
CONTENT: Final[dict[str, Any]] = {
    "title": "Content",
    "anyOf": [
        {"type": "string", "title": "Text"},
        {"type": "array", "title": "Text, images and files", "items": {"title": "Part", "anyOf": BLOCKS}},
    ],
}
MESSAGE: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Message",
    "required": ["content"],
    "properties": {
        "role": {"title": "Role", "enum": list(ROLES)},
        "type": {"title": "Role", "enum": list(TYPES)},
        "content": CONTENT,
        "tool_call_id": {"type": "string", "title": "Tool call id", "description": "The call that this answers."},
        "name": {"type": ["string", "null"], "title": "Name"},
    },
}
ITEM: Final[dict[str, Any]] = {"anyOf": [MESSAGE, {"type": "string", "title": "Text alone"}]}


def is_messages(key: str, schema: dict[str, Any]) -> bool:
    """Whether `schema`, of a list, is that of a conversation."""
    items = schema.get("items", {})
    if items is True or items == {}:
        return key == "messages"
    if not isinstance(items, dict):
        return False
    branches = items.get("oneOf") or items.get("anyOf")
    if isinstance(branches, list):
        names = {_name(branch) for branch in branches}
        return bool({"HumanMessage", "AIMessage"} <= names)
    if _name(items) in {"BaseMessage", "AnyMessage", "MessageLikeRepresentation"}:
        return True
    is_mapping = items.get("type") == "object" and "properties" not in items
    return key == "messages" and is_mapping


def without_messages(schema: Any, key: str = "") -> Any:
    """`schema`, with any list allowed for every conversation: servers accept more than they publish."""
    if isinstance(schema, list):
        return [without_messages(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "items" in schema and is_messages(key, schema):
        schema = {name: value for name, value in schema.items() if name != "items"}
    return {name: without_messages(part, name) for name, part in schema.items()}


def _name(schema: Any) -> str:
    if not isinstance(schema, dict):
        return ""
    ref = schema.get("$ref")
    return ref.rsplit("/", 1)[-1] if isinstance(ref, str) else str(schema.get("title") or "")
