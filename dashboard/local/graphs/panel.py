"""`panel`: two reviewers are asked at the same time, so the run waits for two answers."""

import operator
from typing import Annotated, Any

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

ANSWER = {"type": "string", "title": "Opinion", "minLength": 1, "examples": ["Yes, until the end of June"]}


class Opinion(TypedDict):
    """What one reviewer said."""

    reviewer: str
    answer: Any


class Proposal(BaseModel):
    """What the two reviewers are asked about."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"proposal": "Move the weekly meeting to Tuesday"}]})

    proposal: str = Field(
        min_length=1,
        max_length=500,
        description="What is proposed, in a sentence.",
        examples=["Move the weekly meeting to Tuesday"],
    )


class State(Proposal):
    """A proposal, the opinions on it, and the result."""

    opinions: Annotated[list[Opinion], operator.add] = Field([], description="What each reviewer answered.")
    result: str = Field("", description="Both opinions in one sentence.")


async def ask_legal(state: State) -> dict[str, list[Opinion]]:
    return ask("legal", f"May we do this: “{state.proposal}”? What would have to change?")


async def ask_finance(state: State) -> dict[str, list[Opinion]]:
    return ask("finance", f"Can we afford this: “{state.proposal}”? Until when?")


def ask(reviewer: str, question: str) -> dict[str, list[Opinion]]:
    answer = interrupt({"reviewer": reviewer, "question": question}, response_schema=ANSWER)
    return {"opinions": [Opinion(reviewer=reviewer, answer=answer)]}


async def conclude(state: State) -> dict[str, str]:
    said = "; ".join(f"{opinion['reviewer']}: {opinion['answer']}" for opinion in state.opinions)
    return {"result": f"On “{state.proposal}”: {said}."}


graph = (
    StateGraph(State, input_schema=Proposal)
    .add_node("ask_legal", ask_legal)
    .add_node("ask_finance", ask_finance)
    .add_node("conclude", conclude)
    .add_edge(START, "ask_legal")
    .add_edge(START, "ask_finance")
    .add_edge(["ask_legal", "ask_finance"], "conclude")
    .add_edge("conclude", END)
    .compile(name="panel")
)
