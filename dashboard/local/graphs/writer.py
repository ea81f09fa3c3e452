"""`writer`: a model writes a short text word by word. The model is a fake one: no key, no network, always the same."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, AnyMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGenerationChunk
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from pydantic import BaseModel, ConfigDict, Field

DRAFT = (
    "# {topic}\n\nFew things look as simple as {topic} and turn out to be so full of detail. Look once and you see the "
    "whole of it. Look twice and you see that the whole is made of parts that hardly know of each other.\n\n"
    "- First, watch what happens when nobody does anything.\n"
    "- Then change one thing, and only one.\n"
    "- Last, write down what surprised you before you explain it away.\n\n"
    "Whoever works with {topic} every day will tell you the same: the **waiting** is the work. What comes in waves "
    "cannot be hurried, and what cannot be hurried can be planned for."
)
SUMMARY = "In short: {topic} rewards those who look twice and hurry once."


class Order(BaseModel):
    """What to write about, and how fast."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"topic": "Tides", "words_per_second": 12}]})

    topic: str = Field(min_length=1, max_length=200, description="What the text is about.", examples=["Tides"])
    words_per_second: float = Field(12, ge=0.5, le=1000, description="How fast the model writes.")


class State(Order):
    """The order and what was written."""

    messages: Annotated[list[AnyMessage], add_messages] = Field([], description="The order and the model's answers.")
    outline: list[str] = Field([], description="What the text is to say.")
    summary: str = Field("", description="The text in one sentence.")


class Typist(GenericFakeChatModel):
    """A fake chat model that says one text, a word at a time, and counts its tokens as a real one does."""

    text: str
    pause_s: float
    messages: Any = None

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        words = [word + " " for word in self.text.split(" ")]
        for number, word in enumerate(words, start=1):
            await asyncio.sleep(self.pause_s)
            is_last = number == len(words)
            message = AIMessageChunk(content=word.rstrip(" ") if is_last else word)
            if is_last:
                message.usage_metadata = {
                    "input_tokens": 20,
                    "output_tokens": len(words),
                    "total_tokens": 20 + len(words),
                }
                message.response_metadata = {"model_name": "typist-1", "finish_reason": "stop"}
            chunk = ChatGenerationChunk(message=message)
            if run_manager is not None:
                await run_manager.on_llm_new_token(message.text, chunk=chunk)
            yield chunk


async def ask(state: State, text: str) -> AIMessage:
    model = Typist(text=text.format(topic=state.topic), pause_s=1 / state.words_per_second)
    answer = await model.ainvoke([HumanMessage(f"Write about {state.topic}.")])
    assert isinstance(answer, AIMessage)
    return answer


async def plan(state: Order) -> dict[str, Any]:
    await asyncio.sleep(0.3)
    order = HumanMessage(f"Write about {state.topic}.")
    return {"messages": [order], "outline": ["What one sees first", "What one sees next", "What to do about it"]}


async def draft(state: State) -> dict[str, Any]:
    return {"messages": [await ask(state, DRAFT)]}


async def summarize(state: State) -> dict[str, Any]:
    answer = await ask(state, SUMMARY)
    return {"messages": [answer], "summary": answer.text}


graph = (
    StateGraph(State, input_schema=Order)
    .add_node("plan", plan)
    .add_node("draft", draft)
    .add_node("summarize", summarize)
    .add_edge(START, "plan")
    .add_edge("plan", "draft")
    .add_edge("draft", "summarize")
    .add_edge("summarize", END)
    .compile(name="writer")
)
