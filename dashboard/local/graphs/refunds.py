"""`refunds` and `refunds_per_call`: an agent that asks before it uses its tools, with LangChain's own middleware.

`refunds` asks once for all calls of a turn, `refunds_per_call` once for each. The model is a fake one: it needs no key
and no network.
"""

import re
from collections.abc import Sequence
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain.agents.middleware.human_in_the_loop import InterruptMode
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool

LETTER = "We are sorry that your parcel arrived broken. You get {amount:.2f} € back within five days."


class Clerk(BaseChatModel):
    """A fake model: asks for a refund and a letter, then says what came of them."""

    @property
    def _llm_type(self) -> str:
        return "clerk"

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> "Clerk":
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._reply(messages))])

    def _reply(self, messages: list[BaseMessage]) -> AIMessage:
        results = [message for message in messages if isinstance(message, ToolMessage)]
        if results:
            return AIMessage("Done. " + " ".join(str(result.content) for result in results))
        numbers = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", messages[-1].text)]
        order_id, amount = (int(numbers[0]) if numbers else 8841), (numbers[1] if len(numbers) > 1 else 120.0)
        return AIMessage(
            "",
            tool_calls=[
                {"id": "call-refund", "name": "refund_order", "args": {"order_id": order_id, "amount": amount}},
                {
                    "id": "call-letter",
                    "name": "send_letter",
                    "args": {"to": "customer@example.org", "text": LETTER.format(amount=amount)},
                },
            ],
        )


@tool
def refund_order(order_id: int, amount: float) -> str:
    """Pay money back for an order.

    Args:
        order_id: The order's number.
        amount: How much, in euros.
    """
    return f"Refunded {amount:.2f} € for order {order_id}."


@tool
def send_letter(to: str, text: str) -> str:
    """Write to the customer."""
    return f"Wrote to {to}."


def agent(name: str, mode: InterruptMode) -> Any:
    return create_agent(
        Clerk(),
        [refund_order, send_letter],
        name=name,
        middleware=[
            HumanInTheLoopMiddleware(
                {
                    "refund_order": {
                        "allowed_decisions": ["approve", "edit", "reject"],
                        "description": "The customer says the parcel arrived **broken**.",
                    },
                    "send_letter": {"allowed_decisions": ["approve", "edit", "reject", "respond"]},
                },
                interrupt_mode=mode,
            )
        ],
    )


graph = agent("refunds", "batched")
per_call = agent("refunds_per_call", "per_call")
