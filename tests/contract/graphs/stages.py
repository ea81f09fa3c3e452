"""Five steps in a row, of which the third fails on request. Run by the real server, never imported by us."""

import asyncio

from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict


class State(TypedDict, total=False):
    fails: bool
    seen: list[str]


def _stage(name):
    async def stage(state: State) -> State:
        await asyncio.sleep(0.05)
        if name == "third" and state.get("fails"):
            raise ValueError("the third stage is broken")
        return {"seen": [*state.get("seen", []), name]}

    return stage


NAMES = ("first", "second", "third", "fourth", "fifth")
builder = StateGraph(State)
for before, name in zip((START, *NAMES), NAMES, strict=False):
    builder.add_node(name, _stage(name))
    builder.add_edge(before, name)
builder.add_edge("fifth", END)
graph = builder.compile()
