"""`approval`: asks a person before something is done, and records what they said."""

from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from pydantic import BaseModel, ConfigDict, Field

# What an answer looks like, so that a client can show a form. Other answers are understood too: see `understand`.
ANSWER = {
    "type": "object",
    "title": "Decision",
    "properties": {
        "decision": {
            "type": "string",
            "title": "Decision",
            "enum": ["approve", "reject"],
            "description": "Whether it may be done.",
        },
        "comment": {
            "type": "string",
            "title": "Comment",
            "default": "",
            "description": "What the person who asked should know.",
        },
    },
    "required": ["decision"],
    "examples": [{"decision": "approve", "comment": "Go ahead"}],
}


class Request(BaseModel):
    """What somebody wants to be approved."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"request": "A second monitor for the front desk", "amount": 180}]}
    )

    request: str = Field(
        min_length=1, max_length=500, description="What is asked for, in a sentence.", examples=["A second monitor"]
    )
    amount: float = Field(ge=0, le=1_000_000, description="What it costs, in euros.", examples=[180])


class Decision(BaseModel):
    """What was decided."""

    decision: Literal["approved", "rejected"] | None = Field(None, description="The answer that was given.")
    comment: str = Field("", description="What the person added.")
    record: str = Field("", description="The decision in one sentence.")


class State(Request, Decision):
    """A request and, later, its decision."""


async def ask(state: State) -> dict[str, Any]:
    answer = interrupt(
        {
            "question": f"Approve “{state.request}” for {state.amount:,.2f} euros?",
            "request": state.request,
            "amount": state.amount,
            "choices": ["approve", "reject"],
        },
        response_schema=ANSWER,
    )
    return understand(answer)


def understand(answer: Any) -> dict[str, Any]:
    """The decision in an answer, which people give as text, as true or false, or as an object with a comment."""
    comment = ""
    if isinstance(answer, dict):
        comment = str(answer.get("comment") or "")
        answer = answer.get("decision", answer.get("approve", answer.get("approved")))
    yes = answer is True or str(answer).strip().lower() in {"approve", "approved", "yes", "y", "ok", "true"}
    return {"decision": "approved" if yes else "rejected", "comment": comment}


async def record(state: State) -> dict[str, str]:
    remark = f" Comment: {state.comment}" if state.comment else ""
    return {"record": f"“{state.request}” for {state.amount:,.2f} euros was {state.decision}.{remark}"}


graph = (
    StateGraph(State, input_schema=Request)
    .add_node("ask", ask)
    .add_node("record", record)
    .add_edge(START, "ask")
    .add_edge("ask", "record")
    .add_edge("record", END)
    .compile(name="approval")
)
