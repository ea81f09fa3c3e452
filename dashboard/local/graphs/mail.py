"""`mail`: drafts an e-mail and asks whether it may go out, in the older shape of Agent Inbox (`HumanInterrupt`)."""

from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from pydantic import BaseModel, ConfigDict, Field

WHY = """**{sender}** asks for a meeting.

1. Nothing else is in the calendar then.
2. The answer is polite, and short.
"""


class Letter(BaseModel):
    """What arrived."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"sender": "bob@example.org", "text": "Can we meet on Tuesday at ten?"}]}
    )

    sender: str = Field(description="Who wrote.", examples=["bob@example.org"])
    text: str = Field(description="What they wrote.", examples=["Can we meet on Tuesday at ten?"])


class State(Letter):
    """A letter and what became of the answer to it."""

    outcome: str = Field("", description="What was done.")


async def draft(state: State) -> dict[str, str]:
    args = {"to": state.sender, "subject": "Re: meeting", "body": "Tuesday at ten is fine. See you then."}
    answers = interrupt(
        [
            {
                "action_request": {"action": "send_email", "args": args},
                "config": {"allow_accept": True, "allow_edit": True, "allow_respond": True, "allow_ignore": True},
                "description": WHY.format(sender=state.sender),
            }
        ]
    )
    return {"outcome": outcome_of(answers[0], args)}


def outcome_of(answer: dict[str, Any], args: dict[str, Any]) -> str:
    kind, given = answer["type"], answer["args"]
    if kind == "ignore":
        return "Nothing was sent."
    if kind == "response":
        return f"Drafted anew: {given}"
    sent = given["args"] if kind == "edit" else args
    return f"Sent to {sent['to']}: {sent['body']}"


graph = (
    StateGraph(State, input_schema=Letter)
    .add_node("draft", draft)
    .add_edge(START, "draft")
    .add_edge("draft", END)
    .compile(name="mail")
)
