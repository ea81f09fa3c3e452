"""Schemas of the shapes that real graphs have (messages, prompts, hints), and hard cases of JSON Schema itself."""

from __future__ import annotations

import datetime
import enum
import uuid
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from langchain_core.messages import AnyMessage
from pydantic import BaseModel, Field, TypeAdapter
from typing_extensions import TypedDict


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"


class Address(BaseModel):
    """Where somebody lives."""

    street: str
    city: str = "Gdansk"
    number: int | None = Field(None, ge=1, le=9999)


class Person(BaseModel):
    name: str = Field(min_length=1, description="The full name.\n\nAs it stands in the passport.")
    born: datetime.date | None = None
    home: Address
    work: Address | None = None
    friends: list[Person] = []
    tags: set[str] = set()
    scores: dict[str, float] = {}


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str
    tricks: list[str] = []


class Pets(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    others: list[Cat | Dog | str] = []
    maybe: Cat | None = None


class Times(BaseModel):
    day: datetime.date
    at: datetime.datetime
    hour: datetime.time | None = None
    wait: datetime.timedelta = datetime.timedelta(minutes=5)
    id: uuid.UUID | None = None


class Prompted(BaseModel):
    prompt: str = "You are a helpful assistant that answers in whole sentences and never guesses. " * 3
    model: Literal["small", "large"] = "small"
    temperature: float = Field(0.2, ge=0, le=2, multiple_of=0.1)
    max_tokens: int | None = Field(None, gt=0)
    verbose: bool = False
    colour: Colour = Colour.RED
    both: int | str = 3
    pair: tuple[int, str] = (1, "a")
    anything: Any = None
    extraction_schema: dict[str, Any] = {"type": "object", "properties": {"name": {"type": "string"}}}


class Chat(BaseModel):
    messages: list[AnyMessage]
    thread: str = ""


class Files(TypedDict, total=False):
    files: dict[str, str]
    todos: list[dict[str, Any]]


@dataclass
class Job:
    title: str
    salary: float = 0.0
    remote: bool | None = None


class Tree(BaseModel):
    value: int
    left: Tree | None = None
    right: Tree | None = None
    children: dict[str, Tree] = {}


def _of(kind: Any) -> dict[str, Any]:
    return TypeAdapter(kind).json_schema()


def _object(required: list[str] | None = None, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required or []}


def _hint(kind: str, **hint: Any) -> dict[str, Any]:
    return {"metadata": {"x_oap_ui_config": {"type": kind, **hint}}}


TEXT = {"type": "string"}
WHOLE = {"type": "integer"}

SCHEMAS: dict[str, Any] = {
    "person": _of(Person),
    "pets": _of(Pets),
    "times": _of(Times),
    "prompted": _of(Prompted),
    "chat": _of(Chat),
    "files": _of(Files),
    "dataclass": _of(Job),
    "tree": _of(Tree),
    "hints": _object(
        temperature={"type": "number", **_hint("slider", min=0, max=2, step=0.1, default=0.7)},
        model={
            "type": "string",
            **_hint("select", options=[{"label": "Small", "value": "s"}, {"label": "L", "value": "l"}]),
        },
        system={
            "type": "string",
            "optional": True,
            **_hint("textarea", placeholder="You are…", description="The prompt."),
        },
        tools={"anyOf": [{"type": "object", "additionalProperties": True}, {"type": "null"}], **_hint("mcp")},
        limit={"type": "integer", "deprecated": True, **_hint("number", min=1, max=20)},
        stream=_hint("boolean"),
    ),
    "nulls": _object(
        a={"anyOf": [TEXT, {"type": "null"}], "default": None},
        b={"type": ["integer", "null"]},
        c={"type": "string", "default": None},
        d={"enum": ["x", None]},
        e={"type": "boolean", "nullable": True},
        f={"type": "null"},
        g={"anyOf": [{"type": "array", "items": TEXT}, {"type": "null"}]},
    ),
    "enums": _object(
        mixed={"enum": ["1", 1, 1.5, True, "true", None, "", "null"]},
        titled={"oneOf": [{"const": "a", "title": "First"}, {"const": "b", "title": "Second"}]},
        many={"enum": [f"option number {number}" for number in range(20)]},
        fixed={"const": 7},
        nested={"enum": [["a"], {"b": 1}]},
    ),
    "text at the top": {"type": "string", "title": "Topic", "minLength": 1},
    "number at the top": {"type": "number", "minimum": 0},
    "boolean at the top": {"type": "boolean"},
    "list at the top": {"type": "array", "items": TEXT},
    "list of objects at the top": {"type": "array", "items": _of(Job)},
    "union at the top": {"anyOf": [TEXT, WHOLE, {"type": "array", "items": WHOLE}, {"type": "null"}]},
    "mapping at the top": {"type": "object", "additionalProperties": WHOLE},
    "nothing": {},
    "everything": True,
    "any under keys": _object(a={}, b=True, c={"title": "Whatever"}),
    "closed": {**_object(["a"], a=TEXT, b=WHOLE), "additionalProperties": False},
    "open": {**_object(a=TEXT), "additionalProperties": True},
    "mapping of mappings": {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": TEXT}},
    "mapping of lists": _object(m={"type": "object", "additionalProperties": {"type": "array", "items": WHOLE}}),
    "pattern properties": {"type": "object", "patternProperties": {"^x-": TEXT, "^n": WHOLE}},
    "odd keys": _object(**{"a/b": TEXT, "c~d": WHOLE, "": TEXT, "e f": TEXT, "0": WHOLE, "ключ": TEXT, "<b>": TEXT}),
    "all of": {"allOf": [_object(["a"], a=TEXT), _object(["b"], b=WHOLE), {"properties": {"a": {"maxLength": 9}}}]},
    "all of refs": {
        "$defs": {"base": _object(["id"], id=WHOLE), "more": _object(name=TEXT)},
        "allOf": [{"$ref": "#/$defs/base"}, {"$ref": "#/$defs/more"}],
    },
    "definitions": {
        "definitions": {"t": {"type": "string", "title": "T"}},
        **_object(["a"], a={"$ref": "#/definitions/t"}),
    },
    "escaped reference": {"$defs": {"a/b c": WHOLE}, **_object(x={"$ref": "#/$defs/a~1b c"})},
    "reference to the root": {"type": "object", "properties": {"v": WHOLE, "next": {"$ref": "#"}}},
    "circular reference": {
        "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}},
        **_object(x={"$ref": "#/$defs/a"}),
    },
    "missing reference": _object(a={"$ref": "#/$defs/none"}, b=TEXT, c={"$ref": "https://example.org/schema.json"}),
    "reference beside keywords": {
        "$defs": {"n": WHOLE},
        **_object(a={"$ref": "#/$defs/n", "default": 3, "title": "A"}),
    },
    "one of objects": {
        "oneOf": [
            {
                **_object(["type", "url"], type={"const": "link"}, url={"type": "string", "format": "uri"}),
                "title": "Link",
            },
            {**_object(["type", "size"], type={"const": "box"}, size=WHOLE), "title": "Box"},
        ]
    },
    "kinds in a list": _object(
        items={
            "type": "array",
            "items": {"anyOf": [TEXT, WHOLE, {"type": "boolean"}, _of(Dog), {"type": "array", "items": TEXT}]},
        }
    ),
    "kinds that look alike": _object(
        a={"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "email"}, TEXT]},
        b={"anyOf": [_object(x=TEXT), _object(x=TEXT, y=TEXT), {"type": "object"}]},
    ),
    "rules beside properties": {
        **_object(["a"], a=TEXT, b=TEXT),
        "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
        "if": {"properties": {"a": {"const": "x"}}},
        "then": {"required": ["b"]},
        "dependentRequired": {"b": ["a"]},
    },
    "properties beside kinds": {**_object(shared=TEXT), "oneOf": [_object(["x"], x=WHOLE), _object(["y"], y=TEXT)]},
    "tuples": _object(
        fixed={"type": "array", "prefixItems": [WHOLE, TEXT], "items": False, "minItems": 2, "maxItems": 2},
        old={"type": "array", "items": [TEXT, WHOLE], "additionalItems": {"type": "boolean"}},
    ),
    "lists of lists": _object(grid={"type": "array", "items": {"type": "array", "items": {"type": "number"}}}),
    "formats": _object(
        date={"type": "string", "format": "date"},
        time={"type": "string", "format": "time"},
        at={"type": "string", "format": "date-time"},
        wait={"type": "string", "format": "duration"},
        mail={"type": "string", "format": "email"},
        link={"type": "string", "format": "uri"},
        other={"type": "string", "format": "hostname"},
        file={"type": "string", "contentEncoding": "base64"},
        image={"type": "string", "format": "binary"},
    ),
    "types in a list": _object(a={"type": ["string", "integer", "array", "null"]}, b={"type": ["number"]}),
    "no types": _object(a={"minLength": 2}, b={"items": TEXT}, c={"properties": {"d": TEXT}}, e={"maximum": 4}),
    "unknown type": _object(a={"type": "date"}, b={"type": 5}, c=False),
    "defaults": _object(
        a={"type": "string", "default": "x"},
        b={"type": "integer", "default": 0},
        c={"type": "boolean", "default": True},
        d={"type": "array", "items": TEXT, "default": ["p", "q"]},
        e={"type": "object", "properties": {"f": {"type": "string"}}, "default": {"f": "g"}},
        f={"enum": ["u", "v"], "default": "v"},
    ),
    "messages without a schema": _object(
        messages={"type": "array", "items": {}}, other={"type": "array", "items": {"type": "object"}}
    ),
    "required objects": _object(
        ["a", "b", "c"],
        a=_object(x=TEXT),
        b=_object(["y"], y=_object(["z"], z=TEXT)),
        c={"type": "array", "items": TEXT},
    ),
    "deep": _object(a=_object(b=_object(c=_object(d=_object(e=_object(f=_object(g=TEXT))))))),
}
