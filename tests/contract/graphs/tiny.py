"""Four graphs of one node each, for the client's contract with the real server. Run by it, never imported by us."""

import asyncio
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict


class State(TypedDict, total=False):
    text: str
    seconds: float
    answer: Any
    done: bool


def _graph(node):
    builder = StateGraph(State)
    builder.add_node("first", lambda state: {"done": False})
    builder.add_node("node", node)
    builder.add_edge(START, "first")
    builder.add_edge("first", "node")
    builder.add_edge("node", END)
    return builder.compile()


async def _echo(state: State) -> State:
    return {"answer": state.get("text"), "done": True}


async def _slow(state: State) -> State:
    await asyncio.sleep(state.get("seconds", 1))
    return {"done": True}


async def _ask(state: State) -> State:
    return {"answer": interrupt({"question": "Really?"}), "done": True}


async def _fail(state: State) -> State:
    if state.get("text") == "impostor":

        class HTTPException(Exception):
            pass

        raise HTTPException("404: Run not found")
    raise ValueError("the text was wrong")


echo = _graph(_echo)
slow = _graph(_slow)
ask = _graph(_ask)
fail = _graph(_fail)
