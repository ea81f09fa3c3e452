"""Two schemas that hold at once, as one."""

from __future__ import annotations

from typing import Any, Final

# Keywords that only check, and do not change what a form draws.
RULES: Final = {
    "required", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "dependencies", "contains",
    "minProperties", "maxProperties", "unevaluatedProperties", "unevaluatedItems", "$comment", "$schema", "$id",
    "$defs", "definitions", "$anchor", "deprecated", "readOnly", "writeOnly", "optional", "nullable", "discriminator",
}  # fmt: skip
_HIGHEST: Final = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
_LOWEST: Final = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}


def merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """A schema with the rules of both. Texts (title, default) come from the second."""
    both = dict(first)
    for key, value in second.items():
        if key not in both or both[key] == value:
            both[key] = value
        else:
            both[key] = _merged_keyword(key, both[key], value)
    return both


def _merged_keyword(key: str, one: Any, other: Any) -> Any:
    if key == "properties" and isinstance(one, dict) and isinstance(other, dict):
        shared = {
            name: {"allOf": [one[name], other[name]]} for name in one if name in other and one[name] != other[name]
        }
        return {**one, **other, **shared}
    if key == "required" and isinstance(one, list) and isinstance(other, list):
        return list(dict.fromkeys([*one, *other]))
    if key == "type":
        return _merged_type(one, other)
    if key == "enum" and isinstance(one, list) and isinstance(other, list):
        return [value for value in one if value in other]
    if key == "items" and isinstance(one, dict) and isinstance(other, dict):
        return {"allOf": [one, other]}
    if key == "additionalProperties" and (one is False or other is False):
        return False
    if key in _HIGHEST and _are_numbers(one, other):
        return max(one, other)
    if key in _LOWEST and _are_numbers(one, other):
        return min(one, other)
    return other


def _merged_type(one: Any, other: Any) -> Any:
    ones = one if isinstance(one, list) else [one]
    others = other if isinstance(other, list) else [other]
    both = [name for name in ones if name in others]
    if not both and "number" in [*ones, *others] and "integer" in [*ones, *others]:
        both = ["integer"]
    return both[0] if len(both) == 1 else both or other


def _are_numbers(*values: Any) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
