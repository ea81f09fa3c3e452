"""`questions`: asks whatever its input says, each question in a branch of its own; one of them inside a subgraph."""

import operator
from typing import Annotated, Any

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send, interrupt
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict


class Ask(BaseModel):
    """What is to be asked, and where."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "ask": [
                        {"question": "Which harbour?", "choices": ["Bergen", "Gdansk", "Ostend"]},
                        "When does the tide turn?",
                        True,
                    ]
                }
            ]
        }
    )

    ask: list[Any] = Field(min_length=1, description="The questions, each a text or anything else.")
    inside: bool = Field(False, description="Whether they are asked inside a subgraph.")


class State(Ask):
    """The questions and the answers to them."""

    answers: Annotated[list[Any], operator.add] = Field([], description="What was answered, in the order of questions.")


class Answers(TypedDict, total=False):
    """What comes back from a branch."""

    answers: Annotated[list[Any], operator.add]


class One(Answers, total=False):
    """One question and, later, its answer."""

    question: Any


def ask(state: One) -> dict[str, list[Any]]:
    return {"answers": [{"question": state.get("question"), "answer": interrupt(state.get("question"))}]}


inside = (
    StateGraph(One, output_schema=Answers)
    .add_node("ask", ask)
    .add_edge(START, "ask")
    .add_edge("ask", END)
    .compile(name="inside")
)


def spread(state: State) -> list[Send]:
    return [Send("inside" if state.inside else "ask", {"question": question}) for question in state.ask]


graph = (
    StateGraph(State, input_schema=Ask)
    .add_node("ask", ask)
    .add_node("inside", inside)
    .add_conditional_edges(START, spread, ["ask", "inside"])
    .add_edge("ask", END)
    .add_edge("inside", END)
    .compile(name="questions")
)
