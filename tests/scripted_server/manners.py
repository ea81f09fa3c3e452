"""How other implementations of the protocol behave. Each manner is a set of differences from `langgraph dev`."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Manner:
    """What a server does differently. The default is `langgraph dev`.

    What it tells of a run:
        tells_metadata: A run it names has the `metadata` it was launched with; else there is no such key.
        tells_output: A run it names also has `input`, `output` and `error_message`.
        lists: Which of a thread's runs `GET /threads/{t}/runs` names: "all", or only those that are "over".
        selects: A list knows `select`; else it gives each run whole.
        lists_unknown_threads: The list of an unknown thread is empty; else it is a 404.

    How a run ends:
        question_status: The run's status when the graph asks a question.
        empty_when_failed: `wait` answers `{}` for a run that failed.
        joins_own_output: `join` of a run that is over gives its own output, never the thread's present state.

    What it cannot do:
        filters_history: `POST /history` knows the filter `metadata`; else it answers 500.
        builds_failed_states: `/state` and `/history` of a thread whose last run failed can be had; else they are 500.
        rolls_back: `cancel` knows `action=rollback`; else it is a 422.
        has_stateless_wait, has_wait: `POST /runs/wait` and `POST /threads/{t}/runs/wait` exist; else 404 "Not Found".

    How it answers a wait:
        beats: Heartbeats come while it waits.
        heads_first: The headers come as soon as the run exists; else with the answer.
        tells_ids: The headers of `wait` name the run.
        join_limit_s: A join of a run that goes on is answered `{}` after so many seconds; None: when the run is over.
    """

    tells_metadata: bool = True
    tells_output: bool = False
    lists: str = "all"
    selects: bool = True
    lists_unknown_threads: bool = False
    question_status: str = "success"
    empty_when_failed: bool = False
    joins_own_output: bool = False
    filters_history: bool = True
    builds_failed_states: bool = True
    rolls_back: bool = True
    has_stateless_wait: bool = True
    has_wait: bool = True
    beats: bool = True
    heads_first: bool = True
    tells_ids: bool = True
    join_limit_s: float | None = None


LANGGRAPH_DEV = Manner()

AEGRA_11 = Manner(
    tells_metadata=False,
    tells_output=True,
    selects=False,
    lists_unknown_threads=True,
    question_status="interrupted",
    joins_own_output=True,
    filters_history=False,
    rolls_back=False,
)

AEGRA_06 = replace(
    AEGRA_11,
    filters_history=True,
    empty_when_failed=True,
    has_stateless_wait=False,
    beats=False,
    heads_first=False,
    tells_ids=False,
    join_limit_s=0.5,
)

MANNERS = {
    "langgraph dev": LANGGRAPH_DEV,
    "aegra 0.11": AEGRA_11,
    "aegra 0.6": AEGRA_06,
    "no metadata": Manner(tells_metadata=False),
    "questions are interrupted": Manner(question_status="interrupted"),
    "no filtered history": Manner(filters_history=False),
    "states of failed runs are 500": Manner(builds_failed_states=False),
    "no heartbeats": Manner(beats=False),
    "headers at the end": Manner(beats=False, heads_first=False),
    "headers at the end, without ids": Manner(beats=False, heads_first=False, tells_ids=False),
    "no wait": Manner(has_stateless_wait=False, has_wait=False),
    "lists what is over": Manner(lists="over"),
    "lists what is over, late headers, no metadata": Manner(
        tells_metadata=False, lists="over", beats=False, heads_first=False, tells_ids=False, filters_history=False
    ),
    "nothing works": Manner(
        tells_metadata=False,
        question_status="interrupted",
        filters_history=False,
        builds_failed_states=False,
        rolls_back=False,
        has_stateless_wait=False,
        has_wait=False,
        beats=False,
        lists_unknown_threads=True,
    ),
}
