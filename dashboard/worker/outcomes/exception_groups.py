"""Exception groups: a server's message only counts the exceptions; the group's repr in the state's task names them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import suppress

REPR_CHARS = 20_000
MEMBERS_MAX = 100


def group_message(representation: str) -> str | None:
    """The group's message, and below it each member's type and message; None for no group, or an unreadable one."""
    if "ExceptionGroup(" not in representation or len(representation) > REPR_CHARS:
        return None
    with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
        call = ast.parse(representation.strip(), mode="eval").body
        if _members(call) is not None:
            return "\n".join(list(_lines(call, ""))[:MEMBERS_MAX])
    return None


def _lines(node: ast.expr, indent: str) -> Iterator[str]:
    if not isinstance(node, ast.Call):
        yield indent + ast.unparse(node)
        return
    name, message = ast.unparse(node.func), _message(node)
    yield f"{indent}{name}: {message}" if indent else message
    for member in _members(node) or []:
        yield from _lines(member, f"{indent}  " if indent else "- ")


def _message(call: ast.Call) -> str:
    first = call.args[0] if call.args else None
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        return first.value
    return ", ".join(map(ast.unparse, call.args))


def _members(node: ast.expr) -> list[ast.expr] | None:
    if not isinstance(node, ast.Call) or len(node.args) != 2 or not ast.unparse(node.func).endswith("ExceptionGroup"):
        return None
    members = node.args[1]
    return members.elts if isinstance(members, ast.List | ast.Tuple) else None
