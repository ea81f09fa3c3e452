"""`faulty`: fails on purpose. What people see of an error depends on its class, so there is one of each sort."""

from typing import Literal

from langgraph.graph import END, START, StateGraph
from pydantic import BaseModel, ConfigDict, Field


class SensorOffline(Exception):
    """An exception class of the graph's own: the server masks its message where it answers."""


class Wish(BaseModel):
    """How to fail."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"kind": "value"}]})

    kind: Literal["value", "key", "custom"] = Field(
        "value",
        description="`value` raises a ValueError, `key` a KeyError, `custom` an exception class of the graph's own.",
    )


class State(Wish):
    """How to fail, and how far it came before that."""

    prepared: bool = Field(False, description="Whether the step before the failure was done.")


async def prepare(state: Wish) -> dict[str, bool]:
    return {"prepared": True}


async def explode(state: State) -> dict[str, bool]:
    if state.kind == "key":
        return {"prepared": {"temperature": True}["pressure"]}
    if state.kind == "custom":
        raise SensorOffline("Sensor 7 has not answered since noon")
    raise ValueError("A pressure of -3 bar is not possible")


graph = (
    StateGraph(State, input_schema=Wish)
    .add_node("prepare", prepare)
    .add_node("explode", explode)
    .add_edge(START, "prepare")
    .add_edge("prepare", "explode")
    .add_edge("explode", END)
    .compile(name="faulty")
)
