"""`chat`: repeats what it was given."""

from typing import Annotated, Literal

from langchain_core.messages import AIMessage, AnyMessage
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.runtime import Runtime
from pydantic import BaseModel, ConfigDict, Field


class Conversation(BaseModel):
    """A conversation so far; the last message is answered."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"messages": [{"role": "user", "content": "Hello, is anybody there?"}]}]}
    )

    messages: Annotated[list[AnyMessage], add_messages] = Field(
        min_length=1, description="What was said, oldest first. Each message has a role (user) and a content."
    )


class Manner(BaseModel):
    """How the answer is given."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"tone": "plain"}]})

    tone: Literal["plain", "shout"] = Field("plain", description="`plain` repeats quietly, `shout` in capitals.")


async def answer(state: Conversation, runtime: Runtime[Manner]) -> dict[str, list[AIMessage]]:
    heard = state.messages[-1].text
    tone = runtime.context.tone if runtime.context else "plain"
    reply = f"You said: {heard}"
    return {"messages": [AIMessage(reply.upper() if tone == "shout" else reply)]}


graph = (
    StateGraph(Conversation, context_schema=Manner)
    .add_node("answer", answer)
    .add_edge(START, "answer")
    .add_edge("answer", END)
    .compile(name="chat")
)
