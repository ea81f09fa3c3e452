"""What made-up runs were about: five assistants of a harbour company, with inputs, answers, questions and errors."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dashboard.runs.statuses import RunStatus

Dice = random.Random


@dataclass(frozen=True)
class Story:
    """One run as it might have been."""

    graph_id: str
    assistant: str
    status: RunStatus
    input: Any
    state: Any = None
    error: tuple[str, str, str] | None = None
    ending: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    tags: tuple[str, ...] = ()
    seconds: float = 10.0
    is_conversation: bool = False


PLACES = (
    "Rotterdam Gdansk Hamburg Lisbon Valparaíso Busan Osaka Mombasa Halifax Trieste Aarhus Bergen Antwerp Marseille "
    "Piraeus Kochi Singapore Callao Durban Tallinn"
).split()
TOPICS = (
    "tides lighthouses currents charts anchors gales buoys knots moorings dredging pilots tugs cranes containers "
    "ballast bunkering insurance customs quarantine icebreakers"
).split()
AUDIENCES = ("the harbour office", "new pilots", "the night shift", "ship owners", "the city council", "everybody")
SURNAMES = "Kowalska Nguyen Okafor Lindqvist Moreau Tanaka Petrov García Haddad O'Neill".split()
GOODS = "coffee steel timber bananas turbines cocoa fertiliser cars paper salt".split()
CJK = ("港口潮汐时间表", "明日の潮位を教えて", "부산항 안개 예보")
ERRORS = (
    ("TimeoutError", "fetch", "no answer from the tide service within 30 s"),
    ("ValueError", "write", "no {topic} today"),
    ("KeyError", "plan", "'sections'"),
    ("RateLimitError", "ask_model", "429: too many requests, try again in 20 s"),
    ("GraphRecursionError", "", "Recursion limit of 25 reached without hitting a stop condition"),
    ("ConnectError", "search", "connection refused by search.internal:9200"),
)
OUTCOMES = {
    RunStatus.SUCCEEDED: 800,
    RunStatus.FAILED: 90,
    RunStatus.CANCELLED: 45,
    RunStatus.NEEDS_INPUT: 30,
    RunStatus.TIMED_OUT: 18,
    RunStatus.PAUSED: 10,
    RunStatus.LOST: 7,
}
_OUTCOMES, _OUTCOME_WEIGHTS = list(OUTCOMES), list(OUTCOMES.values())


def story(dice: Dice) -> Story:
    """A run of one of the assistants."""
    tell = dice.choices(_TELLERS, weights=_WEIGHTS)[0]
    return tell(dice, dice.choices(_OUTCOMES, weights=_OUTCOME_WEIGHTS)[0])


def _end(dice: Dice, status: RunStatus, state: Any, question: Any, node: str) -> dict[str, Any]:
    """What is known of the end, by its status."""
    if status == RunStatus.FAILED:
        kind, where, message = dice.choices(ERRORS, weights=(40, 25, 10, 15, 5, 5))[0]
        return {"error": (kind, message.format(topic=dice.choice(TOPICS)), where)}
    if status == RunStatus.TIMED_OUT:
        return {"error": ("TimeoutError", "the run took longer than the server allows", node)}
    if status == RunStatus.LOST:
        return {"error": ("Not known", "The server does not know this run any more.", "")}
    if status == RunStatus.NEEDS_INPUT:
        interrupts = [{"id": f"{dice.getrandbits(128):032x}", "value": question}]
        return {"state": state, "ending": {"interrupts": interrupts, "next": [node]}}
    if status == RunStatus.PAUSED:
        return {"state": state, "ending": {"next": [node]}}
    return {"state": state} if status == RunStatus.SUCCEEDED else {}


def _report(dice: Dice, status: RunStatus) -> Story:
    topic, place, audience = dice.choice(TOPICS), dice.choice(PLACES), dice.choice(AUDIENCES)
    title = f"{topic.capitalize()} in {place} for {audience}"
    count = dice.randint(1, 12)
    text = f"# {title}\n\nMuch has changed for {topic} in {place} since {dice.randint(1890, 2024)}. {_sentence(dice)}"
    state = {"topic": title, "sections": count, "report": text, "words": dice.randint(200, 4000)}
    weekly = dice.random() < 0.12
    return Story(
        "report",
        "Report writer",
        status,
        {"topic": title, "sections": count, "audience": audience},
        **_end(dice, status, state, {"question": f"Is the plan for {topic} in {place} all right?"}, "review"),
        name="Weekly report" if weekly else "",
        tags=("weekly", place.lower()) if weekly else (place.lower(),) if dice.random() < 0.3 else (),
        seconds=dice.lognormvariate(3.6, 0.6),
    )


def _support(dice: Dice, status: RunStatus) -> Story:
    order, amount, who = dice.randint(10_000, 99_999), dice.randint(5, 900), dice.choice(SURNAMES)
    request = dice.choice((f"Refund {amount} € for order {order}", f"Order {order} of {who} has not arrived"))
    asked = {
        "action_request": {"action": "refund_order", "args": {"order": order, "amount": amount}},
        "config": {"allow_accept": True, "allow_edit": True, "allow_respond": True, "allow_ignore": False},
        "description": f"{who} asks for {amount} € back.",
    }
    state = {"request": request, "order": order, "decision": dice.choice(("refunded", "sent again", "refused"))}
    state["answer"] = f"Dear {who}, we have looked into order {order}. {_sentence(dice)}"
    if dice.random() < 0.5 and status == RunStatus.SUCCEEDED and dice.random() < 0.1:
        status = RunStatus.NEEDS_INPUT
    return Story(
        "support",
        "Support desk",
        status,
        {"request": request, "order": order, "customer": {"name": who, "country": dice.choice(PLACES)}},
        **_end(dice, status, state, [asked], "review"),
        tags=("vip",) if dice.random() < 0.05 else (),
        seconds=dice.lognormvariate(2.2, 0.8),
    )


def _research(dice: Dice, status: RunStatus) -> Story:
    goods, place = dice.choice(GOODS), dice.choice(PLACES)
    question = f"Which suppliers of {goods} in {place} deliver within {dice.randint(2, 30)} days?"
    state = {
        "messages": [
            {"type": "human", "content": question},
            {"type": "ai", "content": f"There are {dice.randint(2, 9)} suppliers of {goods}. {_sentence(dice)}"},
        ],
        "sources": [f"https://example.org/{goods}/{dice.randint(1, 999)}" for _ in range(3)],
    }
    return Story(
        "research",
        "Market research",
        status,
        {"messages": [{"role": "user", "content": question}], "depth": dice.choice((1, 2, 3))},
        **_end(dice, status, state, f"Shall I also ask suppliers outside {place}?", "ask"),
        name=f"New suppliers in {place}" if dice.random() < 0.3 else "",
        tags=("purchasing",) if dice.random() < 0.5 else (),
        seconds=dice.lognormvariate(4.6, 0.7),
    )


def _chat(dice: Dice, status: RunStatus) -> Story:
    place = dice.choice(PLACES)
    said = dice.choice(
        (
            f"When is high water in {place} tomorrow?",
            f"Thanks 🌊 and what about {place}?",
            f"Can a ship of {dice.randint(80, 400)} m turn in {place}?",
            dice.choice(CJK),
            f"Explain {dice.choice(TOPICS)} to {dice.choice(AUDIENCES)} in two sentences",
        )
    )
    answer = f"In {place} at {dice.randint(0, 23):02}:{dice.randint(0, 59):02}. {_sentence(dice)}"
    state = {"messages": [{"type": "human", "content": said}, {"type": "ai", "content": answer}]}
    return Story(
        "chat",
        "Harbour chat",
        status,
        {"messages": [{"role": "user", "content": said}]},
        **_end(dice, status, state, "Which harbour do you mean?", "agent"),
        seconds=dice.lognormvariate(1.0, 0.5),
        is_conversation=True,
    )


def _extract(dice: Dice, status: RunStatus) -> Story:
    number, who, goods = dice.randint(100_000, 999_999), dice.choice(SURNAMES), dice.choice(GOODS)
    invoice = {
        "number": number,
        "supplier": f"{who} & Sons",
        "total": round(dice.uniform(10, 90_000), 2),
        "item": goods,
    }
    return Story(
        "extract",
        "Invoice reader",
        status,
        {"document": f"invoice-{number}.pdf", "language": dice.choice(("en", "de", "pl", "pt")), "strict": True},
        **_end(dice, status, {"invoice": invoice, "confidence": round(dice.random(), 3)}, None, "check"),
        tags=("nightly",),
        seconds=dice.lognormvariate(0.7, 0.4),
    )


def _sentence(dice: Dice) -> str:
    first, second, third = dice.sample(TOPICS, 3)
    return f"Think of {first} before {second}, says {dice.choice(SURNAMES)}, and of {third} last."


_TELLERS: list[Callable[[Dice, RunStatus], Story]] = [_report, _support, _research, _chat, _extract]
_WEIGHTS = [25, 20, 10, 30, 15]
