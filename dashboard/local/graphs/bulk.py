"""`bulk`: a final state of as many megabytes as asked for: many records, each with some text."""

import asyncio

from langgraph.graph import END, START, StateGraph
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

MEGABYTE = 1_000_000
RECORD_BYTES = 10_000
SENTENCE = "The reading was taken at the usual place and differs little from the one before. "


class Size(BaseModel):
    """How large the result shall be."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"megabytes": 2}]})

    megabytes: float = Field(1, ge=0.1, le=64, description="The size of the final state, in megabytes of JSON.")


class Reading(TypedDict):
    """One record."""

    number: int
    station: str
    value: float
    note: str


class State(Size):
    """The size that was asked for and the records that make it up."""

    count: int = Field(0, description="How many readings there are.")
    readings: list[Reading] = Field([], description="The readings, about 10 kB each.")


def readings(megabytes: float) -> list[Reading]:
    note = (SENTENCE * (RECORD_BYTES // len(SENTENCE) + 1))[: RECORD_BYTES - 80]
    return [
        Reading(number=number, station=f"station-{number % 12}", value=round(number * 0.37 % 100, 2), note=note)
        for number in range(round(megabytes * MEGABYTE / RECORD_BYTES))
    ]


async def collect(state: Size) -> dict[str, object]:
    found = await asyncio.to_thread(readings, state.megabytes)
    return {"count": len(found), "readings": found}


graph = (
    StateGraph(State, input_schema=Size)
    .add_node("collect", collect)
    .add_edge(START, "collect")
    .add_edge("collect", END)
    .compile(name="bulk")
)
