"""`report`: plans, writes and reviews a small report. It takes as long as it was asked to, so that one can watch it."""

import asyncio

from langgraph.graph import END, START, StateGraph
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

# What a section is about, and what can be said of any topic. No language model here, and no network.
ANGLES = (
    ("What it is", "To understand {topic}, look closely at one example before you look at many."),
    ("Where it comes from", "Most of what is known about {topic} was found by people who looked for something else."),
    ("How it works", "Three things count in {topic}: what goes in, what changes on the way, and what is left."),
    ("What is hard about it", "With {topic} the first step is seldom the hard one. Knowing when to stop is."),
    ("Who needs it", "Those who meet {topic} every day had the least say in it, and know the most about it."),
    ("What it costs", "The price of {topic} is paid in time, and mostly by somebody else."),
    ("What comes next", "In ten years nobody will mention {topic}: too common to name, or forgotten."),
)


class Request(BaseModel):
    """What to write about, how much and how fast."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"topic": "Tides", "seconds": 3, "sections": 3}]})

    topic: str = Field(min_length=1, max_length=200, description="What the report is about.", examples=["Tides"])
    seconds: float = Field(3, ge=0, le=3600, description="How long the work takes, in seconds, over all its steps.")
    sections: int = Field(3, ge=1, le=50, description="How many sections are written.")


class Section(TypedDict):
    """One part of the report."""

    heading: str
    text: str


class Report(BaseModel):
    """The finished report, as one text and in its parts."""

    title: str = Field("", description="The report's title.")
    sections_written: list[Section] = Field([], description="The sections in order, each with heading and text.")
    remarks: list[str] = Field([], description="What the review noticed.")
    report: str = Field("", description="The whole report in Markdown.")


class State(Request, Report):
    """Everything the nodes hand on."""

    outline: list[str] = Field([], description="The headings, as planned.")


async def plan(state: Request) -> dict[str, object]:
    await asyncio.sleep(state.seconds * 0.2)
    rounds = [ANGLES[number % len(ANGLES)][0] for number in range(state.sections)]
    outline = [f"{number}. {heading}" for number, heading in enumerate(rounds, start=1)]
    return {"title": f"A short report on {state.topic}", "outline": outline}


async def write(state: State) -> dict[str, object]:
    sections = []
    for number, heading in enumerate(state.outline):
        await asyncio.sleep(state.seconds * 0.6 / len(state.outline))
        sections.append(Section(heading=heading, text=ANGLES[number % len(ANGLES)][1].format(topic=state.topic)))
    return {"sections_written": sections}


async def review(state: State) -> dict[str, object]:
    await asyncio.sleep(state.seconds * 0.2)
    words = sum(len(section["text"].split()) for section in state.sections_written)
    remarks = [f"{len(state.sections_written)} sections, {words} words.", "Every heading of the plan was written."]
    parts = [f"# {state.title}"]
    parts += [f"## {section['heading']}\n\n{section['text']}" for section in state.sections_written]
    parts += ["---\n\n" + "\n".join(f"- {remark}" for remark in remarks)]
    return {"remarks": remarks, "report": "\n\n".join(parts)}


graph = (
    StateGraph(State, input_schema=Request, output_schema=Report)
    .add_node("plan", plan)
    .add_node("write", write)
    .add_node("review", review)
    .add_edge(START, "plan")
    .add_edge("plan", "write")
    .add_edge("write", "review")
    .add_edge("review", END)
    .compile(name="report")
)
