"""Documents for a schema: mostly of its shape, with anything at all in some places."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from dashboard.schema_forms.json_text import parse
from dashboard.schema_forms.shapes import Shapes

_DIGITS = [
    "1.50",
    "1e3",
    "-0",
    "0.0",
    "1E-400",
    "12345678901234567890123",
    "0.1000000000000000055511151231257827",
    "-0.0",
]
_TEXTS = [
    "", " ", "a", "two\nlines", "\nfirst", "tab\t", "carriage\r\nreturn", "\x00", "\ud800", "null", "true", "1",
    "<b>&amp;\"'", "é 日本 😀", "2026-11-26", "14:30", "PT5M", "ada@example.org", "https://x.org/", "  pad  ",
]  # fmt: skip
texts = st.one_of(st.sampled_from(_TEXTS), st.text(st.characters(codec="utf-8"), max_size=12))
numbers = st.one_of(
    st.integers(-(2**70), 2**70), st.integers(-5, 20), st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([parse(digits) for digits in _DIGITS]),
)  # fmt: skip
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)


def documents(schema: Any) -> st.SearchStrategy[Any]:
    """Documents of the shape of `schema`; one value in ten is of any other."""
    shapes = Shapes(schema)
    return _values(shapes, schema, 0, "")


def _values(shapes: Shapes, schema: Any, depth: int, key: str) -> st.SearchStrategy[Any]:
    return st.integers(0, 9).flatmap(lambda dice: anything if dice == 0 else _shaped(shapes, schema, depth, key))


def _shaped(shapes: Shapes, schema: Any, depth: int, key: str) -> st.SearchStrategy[Any]:
    shape = shapes.of(schema, key)
    own = _of_kind(shapes, shape, depth)
    return st.one_of(own, own, st.none()) if shape.is_nullable else own


def _of_kind(shapes: Shapes, shape: Any, depth: int) -> st.SearchStrategy[Any]:
    match shape.kind:
        case "text":
            return texts
        case "integer" | "number":
            return numbers
        case "boolean":
            return st.booleans()
        case "choice" | "const":
            return st.sampled_from([value for value, _ in shape.options])
        case "union":
            return st.one_of([_values(shapes, branch, depth + 1, "") for branch in shape.branches])
        case "list" | "messages" if depth < 6:
            return st.integers(0, 3).flatmap(
                lambda size: st.tuples(
                    *(_values(shapes, shape.item(index), depth + 1, "") for index in range(size))
                ).map(list)
            )
        case "object" if depth < 6:
            return _objects(shapes, shape, depth)
    return anything


def _objects(shapes: Shapes, shape: Any, depth: int) -> st.SearchStrategy[Any]:
    extra = shape.extra if isinstance(shape.extra, dict) else {}

    def with_keys(keys: list[str]) -> st.SearchStrategy[Any]:
        members = {key: _values(shapes, shape.properties.get(key, extra), depth + 1, key) for key in keys}
        return st.fixed_dictionaries(members)

    known = st.permutations(list(shape.properties)).flatmap(
        lambda names: st.integers(0, len(names)).map(
            lambda count: list(dict.fromkeys([*names[:count], *shape.required]))
        )
    )
    unknown = st.lists(texts, max_size=2)
    return st.tuples(known, unknown).map(lambda both: list(dict.fromkeys([*both[0], *both[1]]))).flatmap(with_keys)
