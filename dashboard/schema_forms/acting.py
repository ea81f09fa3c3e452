"""Applies the row buttons of a form to its tree: `do` = "<verb> <control name>"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from dashboard.schema_forms.matching import branch_of, matches
from dashboard.schema_forms.messages import CONTENT
from dashboard.schema_forms.pointers import join, unescape
from dashboard.schema_forms.reading import NEW, extra_schema
from dashboard.schema_forms.shapes import Shape, Shapes
from dashboard.schema_forms.values import MISSING, Chosen, NewKey, Rows, Unread, Untouched

VERBS: Final = (
    "add", "remove", "up", "down", "paste", "put", "out", "null", "kind", "default", "example", "image", "file",
)  # fmt: skip
_FORMAT: Final[dict[str, Any]] = {"image": 1, "file": 2}


@dataclass
class _Spot:
    """A place in the tree: its schema and value, and how to set it there."""

    schema: Any
    key: str
    value: Any
    put: Callable[[Any], None]
    holder: Any = None
    at: Any = None


class Actor:
    """Applies a button to the tree of the form called `name`; `focus` is the control that gets the focus."""

    def __init__(self, shapes: Shapes, name: str, tree: Any) -> None:
        self.shapes = shapes
        self.name = name
        self.tree = tree
        self.focus = ""

    def act(self, action: str) -> bool:
        """Returns False for an action of another form, or of a place that does not exist."""
        verb, _, control = action.partition(" ")
        number = ""
        if verb == "example":
            control, _, number = control.rpartition(" ")
        if verb not in VERBS or not (control == self.name or control.startswith(f"{self.name}/")):
            return False
        spot = self._spot(control)
        if spot is None:
            return False
        shape = self._shape(spot)
        self.focus = control
        match verb:
            case "remove" | "up" | "down":
                return self._move(spot, verb, control)
            case "out":
                spot.put(MISSING)
            case "null":
                spot.put(None)
            case "put":
                spot.put([] if shape.kind in ("list", "messages") else {})
            case "default":
                default = shape.default
                spot.put(default if default is not MISSING else MISSING)
            case "example":
                examples = shape.schema.get("examples")
                if isinstance(examples, list) and number.isdecimal() and int(number) < len(examples):
                    spot.put(examples[int(number)])
            case "kind":
                self._choose(spot, shape)
            case "add":
                self._add(spot, shape, control)
            case "paste":
                pass  # the lines were added as the form was read
            case "image" | "file":
                self._block(spot, verb, control)
        return True

    def _shape(self, spot: _Spot) -> Shape:
        """The shape at the spot: that of the chosen branch where it is a union."""
        return self.shapes.of(spot.schema, spot.key)

    def _spot(self, control: str) -> _Spot | None:
        spot = _Spot(self.root, "", self.tree, self._put_root)
        rest = control[len(self.name) :]
        for segment in rest.split("/")[1:] if rest else []:
            found = self._below(spot, segment)
            if found is None:
                return None
            spot = found
        return spot

    @property
    def root(self) -> Any:
        return self.shapes.root

    def _put_root(self, value: Any) -> None:
        self.tree = value

    def _below(self, spot: _Spot, segment: str) -> _Spot | None:
        schema, value, shape = spot.schema, spot.value, self.shapes.of(spot.schema, spot.key)
        put = spot.put
        while shape.kind == "union":
            if isinstance(value, Chosen):
                chosen: int | None = value.kind
                held = value.value
                put = _setter_of_chosen(value)
            else:
                chosen = branch_of(self.shapes, shape, value) if value is not MISSING else 0
                held = value
            if chosen is None or chosen >= len(shape.branches):
                return None
            schema, value = shape.branches[chosen], held
            shape = self.shapes.of(schema)
        key = unescape(segment)
        if shape.kind in ("list", "messages"):
            if not segment.isdecimal():
                return None
            if not isinstance(value, list):
                value = Rows([MISSING])
                put(value)
            index = int(segment)
            if index >= len(value):
                return None
            return _Spot(shape.item(index), "", value[index], _setter(value, index), value, index)
        if shape.kind != "object":
            return None
        if not isinstance(value, dict):
            value = Untouched()
            put(value)
        if segment.startswith(NEW):
            number = segment[len(NEW) :]
            keys = [own for own in value if isinstance(own, NewKey)]
            if not number.isdecimal() or int(number) >= len(keys):
                return None
            own: Any = keys[int(number)]
            return _Spot(extra_schema(shape, own.text), "", value[own], _setter(value, own), value, own)
        below = shape.properties.get(key, extra_schema(shape, key))
        return _Spot(below, key, value.get(key, MISSING), _setter(value, key), value, key)

    def _rows(self, spot: _Spot) -> list[Any]:
        """The list at the spot; creates it if there is none."""
        held = spot.value.value if isinstance(spot.value, Chosen) else spot.value
        if isinstance(held, list):
            return held
        rows = Rows()
        if isinstance(spot.value, Chosen):
            spot.value.value = rows
        else:
            spot.put(rows)
        return rows

    def _add(self, spot: _Spot, shape: Shape, control: str) -> None:
        held = spot.value.value if isinstance(spot.value, Chosen) else spot.value
        while shape.kind == "union":
            index = spot.value.kind if isinstance(spot.value, Chosen) else branch_of(self.shapes, shape, held)
            if index is None:
                return
            shape = self.shapes.of(shape.branches[index])
        if shape.kind in ("list", "messages"):
            rows = self._rows(spot)
            if shape.kind == "messages" and not rows:
                rows.append(MISSING)  # the row that stands there unasked
            item = self.shapes.of(shape.item(len(rows)))
            rows.append({} if item.kind == "object" else [] if item.kind == "list" else MISSING)
            self.focus = join(control, len(rows) - 1)
            if shape.kind == "messages":
                self.focus += "/content"
        elif shape.kind == "object":
            if not isinstance(held, dict):
                held = Untouched()
                spot.put(held)
            number = sum(isinstance(key, NewKey) for key in held)
            held[NewKey()] = MISSING
            self.focus = f"{control}/{NEW}{number}"

    def _move(self, spot: _Spot, verb: str, control: str) -> bool:
        holder, at = spot.holder, spot.at
        parent = control.rpartition("/")[0]
        if verb == "remove":
            if isinstance(holder, list):
                holder.pop(at)
                self.focus = join(parent, min(at, len(holder) - 1)) if holder else parent
            elif isinstance(holder, dict):
                holder.pop(at, None)
                self.focus = parent
            return True
        if not isinstance(holder, list):
            return False
        other = at - 1 if verb == "up" else at + 1
        if 0 <= other < len(holder):
            holder[at], holder[other] = holder[other], holder[at]
            self.focus = join(parent, other)
        return True

    def _choose(self, spot: _Spot, shape: Shape) -> None:
        """Keep the values of the other kind for which the chosen kind has a field."""
        value = spot.value
        if shape.kind != "union" or not isinstance(value, Chosen):
            if shape.kind == "union" and value is not MISSING and value is not None:
                index = branch_of(self.shapes, shape, value)
                if index is not None:
                    spot.put(self._kept(shape.branches[index], value, index))
            return
        spot.put(self._kept(shape.branches[value.kind], value.value, value.kind))

    def _kept(self, branch: Any, held: Any, index: int) -> Any:
        own = self.shapes.of(branch)
        if own.kind == "object" and isinstance(held, dict):
            kept = Untouched()
            for key, schema in own.properties.items():
                member = held.get(key, MISSING)
                constant = self.shapes.of(schema, key)
                if constant.kind == "const":
                    kept[key] = constant.options[0][0]
                elif member is not MISSING and matches(self.shapes, schema, member, 0, key):
                    kept[key] = member
            return Chosen(index, dict(kept) if kept else kept)
        if isinstance(held, Unread) or held is MISSING or not matches(self.shapes, branch, held):
            held = {} if own.kind == "object" else MISSING
        return Chosen(index, held)

    def _block(self, spot: _Spot, verb: str, control: str) -> None:
        """An image or a file at the end of a message's content, which becomes a list of parts."""
        if spot.schema is not CONTENT:
            return
        held = spot.value.value if isinstance(spot.value, Chosen) else spot.value
        parts: list[Any] = held if isinstance(held, list) else []
        if isinstance(held, str) and held:
            parts = [{"type": "text", "text": held}]
        inner = {"type": "image_url", "image_url": {}} if verb == "image" else {"type": "file", "file": {}}
        parts.append(Chosen(_FORMAT[verb], inner))
        spot.put(Chosen(1, parts))
        self.focus = join(control, len(parts) - 1)


def _setter(holder: Any, at: Any) -> Callable[[Any], None]:
    def put(value: Any) -> None:
        if isinstance(holder, dict) and value is MISSING:
            holder.pop(at, None)
        else:
            holder[at] = value

    return put


def _setter_of_chosen(chosen: Chosen) -> Callable[[Any], None]:
    def put(value: Any) -> None:
        chosen.value = value

    return put
