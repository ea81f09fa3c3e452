"""Checks a document against a schema, with a sentence for each control."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

import regex
from jsonschema import Draft202012Validator, ValidationError, validators
from jsonschema.exceptions import SchemaError
from referencing import Registry
from referencing.exceptions import Unresolvable

from dashboard.schema_forms.json_text import write
from dashboard.schema_forms.messages import without_messages
from dashboard.schema_forms.pointers import join, name_of
from dashboard.schema_forms.reading_texts import FORMATS, reads_as_format
from dashboard.schema_forms.shapes import TEXT_FORMATS, Shapes, hint_of
from dashboard.schema_forms.values import UnreadText

logger = logging.getLogger(__name__)

MOST_SENTENCES: Final = 50
_PATTERN_S: Final = 0.05
_TYPE_WORDS: Final = {
    "string": "a text", "integer": "a whole number", "number": "a number", "boolean": "true or false",
    "object": "an object", "array": "a list", "null": "null",
}  # fmt: skip

_KIND_WORDS: Final = {
    "text": "a text", "integer": "a whole number", "number": "a number", "boolean": "true or false",
    "list": "a list", "object": "an object", "null": "null", "any": "a value",
}  # fmt: skip

Findings = dict[str, list[str]]


def check(schema: Any, document: Any, name: str = "") -> Findings:
    """What `schema` refuses in `document`, by control name. Accepts message shorthands. Never raises.

    A schema that cannot be used (it is invalid, or refers to what does not exist) refuses nothing.
    """
    errors, warnings = findings(schema, document, name)
    both: Findings = {}
    for found in (errors, warnings):
        for control, sentences in found.items():
            both.setdefault(control, []).extend(sentences)
    return both


def findings(schema: Any, document: Any, name: str) -> tuple[Findings, Findings]:
    """The errors in `document`, and as warnings the keys that the schema forbids."""
    errors: Findings = {}
    warnings: Findings = {}
    if not isinstance(schema, dict) or not schema:
        return errors, warnings
    schema = without_messages(schema)
    try:
        validator = _Validator(schema, registry=Registry())
        for number, error in enumerate(validator.iter_errors(document)):
            if number >= MOST_SENTENCES:
                break
            for control, sentence, is_warning in _findings_of(error, name, schema):
                found = (warnings if is_warning else errors).setdefault(control, [])
                if sentence not in found:
                    found.append(sentence)
    except (SchemaError, Unresolvable, RecursionError, ValueError, TypeError, AttributeError, KeyError) as problem:
        logger.info("a schema cannot be checked: %s", str(problem)[:200])
    return errors, warnings


def _findings_of(error: ValidationError, name: str, root: Any) -> Iterator[tuple[str, str, bool]]:
    control = name_of(name, error.absolute_path)
    keyword, wanted, value = str(error.validator), error.validator_value, error.instance
    if keyword in ("anyOf", "oneOf"):
        yield from _of_union(error, name, control, root)
    elif keyword == "required":
        missing = next((key for key in wanted if key not in value and repr(key) in error.message), "")
        yield join(control, missing), "This is required.", False
    elif keyword == "additionalProperties" and wanted is False:
        known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
        for key in value:
            if key not in known:
                yield join(control, key), "The schema does not know this key; the graph may refuse or ignore it.", True
    else:
        yield control, _sentence(keyword, wanted, value), False


def _of_union(error: ValidationError, name: str, control: str, root: Any) -> Iterator[tuple[str, str, bool]]:
    """The errors of the branch nearest to the value; one sentence when that is not clear."""
    context = list(error.context or [])
    if not context:
        yield control, "This matches more than one of the kinds it can be.", False
        return
    shapes = Shapes(root)
    branches = error.validator_value
    best = None
    by_branch: dict[int, list[ValidationError]] = {}
    for part in context:
        by_branch.setdefault(int(part.relative_schema_path[0]), []).append(part)
    for index, parts in by_branch.items():
        # An error of the type itself, or of a constant, shows that another branch was meant.
        is_other = any(
            (part.validator == "type" and not part.relative_path) or part.validator == "const" for part in parts
        )
        score = (is_other, len(parts))
        if not is_other or not isinstance(error.instance, dict | list):
            best = min(best or (score, index), (score, index))
    if best is None or (best[0][0] and len(by_branch) > 1):
        words = [_words_of(shapes, branch) for branch in branches]
        yield control, f"This must be {' or '.join(dict.fromkeys(words))}.", False
        return
    for part in by_branch[best[1]]:
        yield from _findings_of(part, name, root)


def _words_of(shapes: Shapes, branch: Any) -> str:
    kind = shapes.of(branch).kind
    words = {
        "text": "a text",
        "integer": "a whole number",
        "boolean": "true or false",
        "list": "a list",
        "any": "a value",
    }
    return words.get(
        kind, {"number": "a number", "object": "an object", "null": "null"}.get(kind, "one of the choices")
    )


def _sentence(keyword: str, wanted: Any, value: Any) -> str:
    match keyword:
        case "type":
            names = wanted if isinstance(wanted, list) else [wanted]
            return f"This must be {' or '.join(_TYPE_WORDS.get(name, str(name)) for name in names)}."
        case "enum":
            return f"This must be one of {', '.join(write(option, indent=None) for option in wanted[:12])}."
        case "const":
            return f"This must be {write(wanted, indent=None)}."
        case "minimum":
            return f"Give {_number(wanted)} or more."
        case "maximum":
            return f"Give {_number(wanted)} or less."
        case "exclusiveMinimum":
            return f"Give more than {_number(wanted)}."
        case "exclusiveMaximum":
            return f"Give less than {_number(wanted)}."
        case "multipleOf":
            return f"Give a multiple of {_number(wanted)}."
        case "minLength":
            return "Write something." if wanted == 1 else f"Write at least {wanted} characters; this has {len(value)}."
        case "maxLength":
            return f"Write at most {wanted} characters; this has {len(value)}."
        case "minItems":
            return f"Add at least {wanted} item{'s' if wanted != 1 else ''}; there {_are(len(value))}."
        case "maxItems":
            return f"Keep at most {wanted} item{'s' if wanted != 1 else ''}; there {_are(len(value))}."
        case "uniqueItems":
            return "Two items are the same; each may appear only once."
        case "pattern":
            return f"This must match the pattern {wanted}."
        case "format":
            return FORMATS.get(str(wanted), f"This must have the format {wanted}.")
        case "minProperties" | "maxProperties":
            return f"It must have {'at least' if keyword[1] == 'i' else 'at most'} {wanted} keys."
        case "dependentRequired":
            return "With one of these keys, another one is required."
    return f"The schema's rule “{keyword}” refuses this."


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _are(count: int) -> str:
    return {0: "is none", 1: "is 1"}.get(count, f"are {count}")


# These replace rules for which jsonschema is slow, or runs a schema's regular expressions without a time limit.


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    try:
        return regex.compile(pattern)
    except regex.error:
        return None


def _found(pattern: str, text: str) -> bool:
    compiled = _compiled(pattern)
    try:
        return compiled is None or bool(compiled.search(text[:100_000], timeout=_PATTERN_S))
    except TimeoutError:
        return True


def _pattern(validator: Any, pattern: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, str) and isinstance(pattern, str) and not _found(pattern, value):
        yield ValidationError("pattern")


def _pattern_properties(validator: Any, patterns: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, dict):
        for pattern, part in patterns.items():
            for key, member in value.items():
                if _found(pattern, key):
                    yield from validator.descend(member, part, path=key, schema_path=pattern)


def _additional(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    if not isinstance(value, dict):
        return
    patterns = schema.get("patternProperties", {})
    extras = [
        key
        for key in value
        if key not in schema.get("properties", {}) and not any(_found(pattern, key) for pattern in patterns)
    ]
    if isinstance(wanted, dict):
        for key in extras:
            yield from validator.descend(value[key], wanted, path=key)
    elif wanted is False and extras:
        yield ValidationError("additionalProperties")


def _unique(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    if wanted and isinstance(value, list):
        texts = [write(item, indent=None) for item in value]
        if len(set(texts)) < len(texts):
            yield ValidationError("uniqueItems")


def _format(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    name = {"url": "uri", "idn-email": "email"}.get(wanted, wanted)
    if isinstance(value, str) and name in TEXT_FORMATS and not reads_as_format(value, name):
        yield ValidationError("format")


def _hint(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    """Bounds that only the hints of a LangGraph interface have."""
    hint = hint_of(schema)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    for key, keyword in (("min", "minimum"), ("max", "maximum")):
        bound = hint.get(key)
        if isinstance(bound, bool) or not isinstance(bound, int | float) or keyword in schema:
            continue
        if value < bound if key == "min" else value > bound:
            yield ValidationError(keyword, validator=keyword, validator_value=bound, instance=value, schema=schema)


def _nothing(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    return iter(())


def _unless_unread(rule: Any) -> Any:
    """The rule, except for a text that could not be read: its own sentence is enough."""

    def checked(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
        return iter(()) if isinstance(value, UnreadText) else rule(validator, wanted, value, schema) or iter(())

    return checked


_Validator = validators.extend(
    Draft202012Validator,
    {
        keyword: _unless_unread(rule)
        for keyword, rule in {
            **Draft202012Validator.VALIDATORS,
            "pattern": _pattern,
            "patternProperties": _pattern_properties,
            "additionalProperties": _additional,
            "uniqueItems": _unique,
            "format": _format,
            "unevaluatedProperties": _nothing,
            "unevaluatedItems": _nothing,
            "metadata": _hint,
            "x_oap_ui_config": _hint,
        }.items()
    },
)
