"""Finds what is missing in parts of a message (an image, a file) that were added in the form.

The published schema of messages is not checked, because servers accept more. What a person adds with the form's own
controls and leaves empty would only fail in the model.
"""

from __future__ import annotations

from typing import Any

from dashboard.schema_forms.checking import Findings, findings
from dashboard.schema_forms.exporting import exported
from dashboard.schema_forms.messages import BLOCKS
from dashboard.schema_forms.pointers import join
from dashboard.schema_forms.shapes import Shapes
from dashboard.schema_forms.values import Chosen


def missing_parts(shapes: Shapes, schema: Any, tree: Any, name: str, key: str = "") -> Findings:
    """The errors in the parts of every conversation in the tree, by control name."""
    found: Findings = {}
    shape = shapes.of(schema, key)
    value = _held(tree)
    if shape.kind == "messages" and isinstance(value, list):
        for index, message in enumerate(value):
            found |= _of_message(_held(message), join(name, index))
    elif shape.kind == "object" and isinstance(value, dict):
        for member, part in shape.properties.items():
            if member in value:
                found |= missing_parts(shapes, part, value[member], join(name, member), member)
    elif shape.kind == "list" and isinstance(value, list):
        for index, item in enumerate(value):
            found |= missing_parts(shapes, shape.item(index), item, join(name, index))
    return found


def _of_message(message: Any, name: str) -> Findings:
    found: Findings = {}
    content = _held(message.get("content")) if isinstance(message, dict) else None
    for index, part in enumerate(content if isinstance(content, list) else []):
        # A part that is complete, or edited as JSON, shows its kind; only one that lacks something is Chosen.
        if isinstance(part, Chosen) and part.kind < len(BLOCKS):
            found |= findings(BLOCKS[part.kind], exported(part), join(join(name, "content"), index))[0]
    return found


def _held(value: Any) -> Any:
    return value.value if isinstance(value, Chosen) else value
