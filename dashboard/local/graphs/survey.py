"""`survey`: twelve steps with two parallel branches, a loop and a subgraph, to see how a run is made of steps."""

import asyncio
import operator
from typing import Annotated, Any, Literal

from langgraph.graph import END, START, StateGraph
from pydantic import BaseModel, ConfigDict, Field

ROUNDS = 2


class Place(BaseModel):
    """Which place is surveyed, and how long a step takes."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"place": "The old harbour", "seconds": 0.5}]})

    place: str = Field(min_length=1, max_length=200, description="What is surveyed.", examples=["The old harbour"])
    seconds: float = Field(0.5, ge=0, le=600, description="How long each step takes, in seconds.")


class Round(Place):
    """One round of measuring: what the subgraph works on."""

    samples: Annotated[list[float], operator.add] = Field([], description="What was measured, in metres.")


class State(Round):
    """The survey so far."""

    route: list[str] = Field([], description="The spots to visit.")
    tides: str = Field("", description="What the tide table says.")
    winds: str = Field("", description="What the wind chart says.")
    rounds: int = Field(0, description="How often it was measured.")
    report: str = Field("", description="The result in a sentence.")


async def plan(state: Place) -> dict[str, Any]:
    await asyncio.sleep(state.seconds)
    return {"route": ["north pier", "basin", "south pier"]}


async def read_tides(state: State) -> dict[str, Any]:
    await asyncio.sleep(state.seconds)
    return {"tides": "High water at 14:20, 3.1 m"}


async def read_winds(state: State) -> dict[str, Any]:
    await asyncio.sleep(state.seconds * 2)
    return {"winds": "South-west, 4 Beaufort"}


async def sample(state: Round) -> dict[str, Any]:
    await asyncio.sleep(state.seconds)
    first = 3.0 + len(state.samples) / 100
    return {"samples": [first, round(first + 0.04, 2), round(first - 0.02, 2)]}


async def check(state: Round) -> dict[str, Any]:
    await asyncio.sleep(state.seconds / 2)
    return {}


async def judge(state: State) -> dict[str, Any]:
    await asyncio.sleep(state.seconds / 2)
    return {"rounds": state.rounds + 1}


def enough(state: State) -> Literal["measure", "summarize"]:
    return "summarize" if state.rounds >= ROUNDS else "measure"


async def summarize(state: State) -> dict[str, Any]:
    await asyncio.sleep(state.seconds)
    mean = sum(state.samples) / len(state.samples)
    return {"report": f"{state.place}: {mean:.2f} m on average over {len(state.samples)} samples. {state.tides}."}


measure = (
    StateGraph(Round)
    .add_node("sample", sample)
    .add_node("check", check)
    .add_edge(START, "sample")
    .add_edge("sample", "check")
    .add_edge("check", END)
    .compile(name="measure")
)


async def measure_once(state: State) -> dict[str, Any]:
    """Only the new samples go up: the state adds them to those it has."""
    before = len(state.samples)
    done = await measure.ainvoke(Round(place=state.place, seconds=state.seconds, samples=state.samples))
    return {"samples": done["samples"][before:]}


graph = (
    StateGraph(State, input_schema=Place)
    .add_node("plan", plan)
    .add_node("read_tides", read_tides)
    .add_node("read_winds", read_winds)
    .add_node("measure", measure_once)
    .add_node("judge", judge)
    .add_node("summarize", summarize)
    .add_edge(START, "plan")
    .add_edge("plan", "read_tides")
    .add_edge("plan", "read_winds")
    .add_edge(["read_tides", "read_winds"], "measure")
    .add_edge("measure", "judge")
    .add_conditional_edges("judge", enough)
    .add_edge("summarize", END)
    .compile(name="survey")
)
