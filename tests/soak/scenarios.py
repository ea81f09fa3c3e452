"""The kinds of runs: how each is launched, what its server does to it, and which ends are right then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.documents import DOCUMENTS, NO_DOCUMENTS
from tests.scripted_server import HTML_PAGE, MANNERS, Fault

When = Literal["ended", "launched", "running"]
Act = Literal["finish", "fail", "ask", "pause", "time_out", "never"]

NOWHERE = "http://127.0.0.1:9"
HTML = {"content-type": "text/html"}
NO_ANSWERS = (
    Fault(status=503),
    Fault(status=404, body=HTML_PAGE, headers=HTML),
    Fault(body=HTML_PAGE, headers=HTML),
    Fault(body=b""),
    Fault(status=401),
    Fault(cut_in_document=9),
)
PARSED_BYTES = 1_000_000
SILENCE_S = 45.0
"""How long a kind takes whose server falls silent: the liveness timer, and what follows."""


@dataclass(frozen=True)
class Kind:
    """One kind of run.

    Attributes:
        form: Fields of the launch form beside assistant, name and metadata.
        act: How the run ends on the server when it is left to itself.
        run_s: How long it takes there, between these two.
        faults: By endpoint, what goes wrong with its first requests of this run, in order.
        always: By endpoint, what goes wrong with every request of this run.
        ends: The statuses that are right, as far as they agree with what the server did.
        created: How often its server must have created it; None: never or once.
        executions: How often the server executes it: again after it was restarted, as it says in the state.
        lost_when_cut: The server forgets it when it is over: whoever lost its line then cannot know how it ended.
        cancel: What someone asks, `cancel_after_s` after the launch.
        follows: The kind whose thread it goes on with, once that has ended, was launched, or is running.
        answered_by: So many people at once answer what it follows, in the inbox; 0: it is launched by the form.
        is_alone: Whether it is launched by itself, too; else only before those that follow it.
        takes_s: How long it can take with nothing else going wrong: those that take long are launched first.
        weight: How often it is launched, compared with others.
        at_most: So often in one soak; None: as it comes.
        is_long: Only in long soaks.
        document_bytes: How large a final state is that is made for the run.
        sends: The bytes that its server sends as its final state instead of one made for the run.
        leaves: The values in its thread's state, where it `sends` no document: they are its final state then.
        manner: That of the server it is launched on.
        is_read: Whether somebody reads its pages and its final state once it has ended.
    """

    name: str
    form: Mapping[str, str] = field(default_factory=dict)
    act: Act = "finish"
    run_s: tuple[float, float] = (0.3, 4.0)
    faults: Mapping[str, tuple[Fault, ...]] = field(default_factory=dict)
    always: Mapping[str, Fault] = field(default_factory=dict)
    ends: frozenset[str] = frozenset({"succeeded"})
    created: int | None = 1
    executions: int = 1
    lost_when_cut: bool = False
    cancel: str = ""
    cancel_after_s: float = 0.0
    follows: str = ""
    follows_when: When = "ended"
    answered_by: int = 0
    is_alone: bool = True
    takes_s: float = 15.0
    weight: int = 1
    at_most: int | None = None
    is_long: bool = False
    document_bytes: int = 200
    sends: bytes | None = field(default=None, repr=False)
    leaves: bytes = field(default=b"", repr=False)
    is_read: bool = False
    manner: str = "langgraph dev"

    @property
    def is_stateless(self) -> bool:
        return self.form.get("thread") == "stateless"

    @property
    def is_verbatim(self) -> bool:
        """Whether its server sends its final state everywhere as bytes, and does not parse it itself."""
        return self.sends is not None or self.document_bytes > PARSED_BYTES

    def fault(self, endpoint: str, number: int) -> Fault:
        """What goes wrong with the `number`-th request (from 0) of one run to an endpoint."""
        listed = self.faults.get(endpoint, ())
        return listed[number] if number < len(listed) else self.always.get(endpoint, Fault())


def _ends(*names: str) -> frozenset[str]:
    return frozenset(names)


_STATELESS = {"thread": "stateless"}
_CANCELLED = _ends("cancelled")
_CUT = Fault(cut_after_beats=1)


def _refused(name: str, fault: Fault) -> Kind:
    return Kind(name, always={"wait": fault}, ends=_ends("failed"), created=0)


def _on_its_thread(strategy: str) -> Mapping[str, str]:
    return {"thread": "existing", "multitask_strategy": strategy}


def _state(name: str, document: bytes, **more: Any) -> Kind:
    return Kind(f"state: {name}", sends=document, is_read=True, **more)


_HONEST = (
    Kind("plain", weight=8),
    Kind("long", run_s=(12.0, 20.0), takes_s=25.0, weight=5),
    Kind("stateless", form=_STATELESS, weight=3),
    Kind("stateless kept", form={**_STATELESS, "on_completion": "keep"}),
    Kind("big state", document_bytes=5_000_000),
    Kind("asks", act="ask", ends=_ends("needs_input")),
    Kind("answers", form={"thread": "existing", "command": '{"resume": "yes"}'}, follows="asks", takes_s=25.0),
    Kind("pauses", form={"interrupt_before": "node"}, act="pause", ends=_ends("paused")),
    Kind("goes on", form={"thread": "existing"}, follows="pauses", takes_s=25.0),
    Kind(
        "enqueued",  # at once, so it may arrive before the run that makes the thread
        form={"thread": "existing", "if_not_exists": "create"},
        follows="long",
        follows_when="launched",
        takes_s=45.0,
    ),
    Kind("pushed out", act="never", ends=_CANCELLED, is_alone=False),
    Kind("pushes out", form=_on_its_thread("interrupt"), follows="pushed out", follows_when="running", takes_s=25.0),
    Kind("pushed out and undone", act="never", ends=_CANCELLED, lost_when_cut=True, is_alone=False),
    Kind(
        "pushes out and undoes",
        form=_on_its_thread("rollback"),
        follows="pushed out and undone",
        follows_when="running",
        takes_s=25.0,
    ),
    Kind(
        "executed again",
        run_s=(1.5, 4.0),
        faults={"wait": (Fault(cut_after_beats=2),)},
        executions=2,
        takes_s=20.0,
        weight=2,
    ),
    Kind("executed again, unnoticed on the line", run_s=(0.5, 1.5), executions=2),
    Kind("fails", act="fail", ends=_ends("failed")),
    Kind("fails, error kept", form={"raise_error": "false"}, act="fail", ends=_ends("failed")),
    Kind("times out", act="time_out", ends=_ends("timed_out")),
    Kind("scheduled", form={"after_seconds": "3"}),
    Kind("stops with the line", form={"on_disconnect": "cancel"}, ends=_ends("succeeded", "cancelled")),
)


def _answer(name: str, **more: Any) -> Kind:
    return Kind(f"answered{name}", **{"follows": "asks in the inbox", "answered_by": 1, "takes_s": 30.0, **more})


_ANSWERS = (
    Kind("asks in the inbox", act="ask", ends=_ends("needs_input"), is_alone=False),
    _answer("", weight=3),
    _answer(" by two at once", answered_by=2, weight=3),
    _answer(" by two, never arrived", answered_by=2, faults={"wait": (Fault(cut_before_headers=True, creates=False),)}),
    _answer(" and asks again", act="ask", ends=_ends("needs_input")),
    _answer(", unconfirmed", faults={"wait": (Fault(cut_before_headers=True),)}, weight=2),
    _answer(", 502 of a proxy", faults={"wait": (Fault(status=502, body=HTML_PAGE, headers=HTML, creates=True),)}),
    _answer(", cut between heartbeats", run_s=(2.0, 6.0), faults={"wait": (Fault(cut_after_beats=2),)}),
    _answer(", refused", always={"wait": Fault(status=422)}, ends=_ends("failed"), created=0),
)

_CANCELS = (
    Kind("cancelled at once", act="never", cancel="interrupt", ends=_CANCELLED, created=None, weight=2),
    Kind("cancelled", act="never", cancel="interrupt", cancel_after_s=2.0, ends=_CANCELLED, created=None, weight=2),
    Kind("rolled back", act="never", cancel="rollback", cancel_after_s=2.0, ends=_CANCELLED, created=None, weight=2),
    Kind(
        "scheduled, cancelled",
        form={"after_seconds": "3600"},
        cancel="interrupt",
        cancel_after_s=2.0,
        ends=_CANCELLED,
        created=None,
    ),
    Kind(
        "cancel not heard",
        act="never",
        cancel="interrupt",
        cancel_after_s=1.0,
        faults={
            "cancel": (
                Fault(status=503),
                Fault(cut_before_headers=True),
                Fault(status=404, body=HTML_PAGE, headers=HTML),
                Fault(status=401),
            )
        },
        ends=_CANCELLED,
        created=None,
        takes_s=25.0,
    ),
    Kind(
        "cancelled as it ends",
        cancel="interrupt",
        run_s=(1.0, 1.5),
        cancel_after_s=1.0,
        ends=_ends("succeeded", "cancelled"),
        created=None,
        weight=2,
    ),
)

_ON_THE_WAY_OUT = (
    Kind("unconfirmed", faults={"wait": (Fault(cut_before_headers=True),)}, takes_s=20.0),
    Kind("never arrived", faults={"wait": (Fault(cut_before_headers=True, creates=False),)}, takes_s=25.0),
    Kind("reset", faults={"wait": (Fault(cut_before_headers=True, reset=True),)}, takes_s=20.0),
    Kind("cut in the headers", faults={"wait": (Fault(cut_at=40),)}, takes_s=20.0),
    Kind("500 and created", faults={"wait": (Fault(status=500, creates=True),)}, takes_s=20.0),
    Kind(
        "502 of a proxy",
        faults={"wait": (Fault(status=502, body=HTML_PAGE, headers=HTML, creates=True),)},
        takes_s=20.0,
    ),
    Kind("500", faults={"wait": (Fault(status=500),)}, takes_s=25.0),
    Kind(
        "come back later",
        faults={
            "wait": (
                Fault(status=429, headers={"Retry-After": "1"}),
                Fault(status=503, body=HTML_PAGE, headers=HTML),
                Fault(status=503, headers={"Retry-After": "2"}),
            )
        },
        takes_s=20.0,
    ),
    Kind("slow headers", faults={"wait": (Fault(delay_s=3.0),)}),
    Kind("dripped", faults={"wait": (Fault(drip_s=0.004),)}),
    Kind(
        "stateless, unconfirmed",
        form=_STATELESS,
        always={"wait": Fault(cut_before_headers=True)},
        ends=_ends("lost"),
        created=None,
    ),
    Kind("stateless, 500", form=_STATELESS, always={"wait": Fault(status=500)}, ends=_ends("lost"), created=0),
    Kind("no ids", always={"wait": Fault(headers={"Location": None, "Content-Location": None})}, takes_s=25.0),
    Kind(
        "stateless, no ids",
        form=_STATELESS,
        always={"wait": Fault(headers={"Location": None, "Content-Location": None})},
        ends=_ends("lost"),
    ),
    Kind("no Content-Location", always={"wait": Fault(headers={"Content-Location": None})}),
    Kind("ids of another host", faults={"wait": (Fault(elsewhere=NOWHERE, cut_after_beats=1),)}),
    _refused("400", Fault(status=400)),
    _refused("401", Fault(status=401)),
    _refused("403", Fault(status=403)),
    _refused("404", Fault(status=404)),
    _refused("404 of a proxy", Fault(status=404, body=HTML_PAGE, headers=HTML)),
    _refused("409", Fault(status=409)),
    _refused("422", Fault(status=422)),
    _refused("sent elsewhere", Fault(status=307, headers={"Location": f"{NOWHERE}/runs/wait"})),
)

_WHILE_IT_RUNS = (
    Kind("cut after the headers", faults={"wait": (Fault(cut_after_headers=True),)}),
    Kind(
        "cut between heartbeats",
        run_s=(2.0, 6.0),
        faults={"wait": (Fault(cut_after_beats=2),), "join": (_CUT, Fault(cut_after_beats=3, reset=True))},
        takes_s=20.0,
        weight=3,
    ),
    Kind(
        "cut in the JSON",
        faults={"wait": (Fault(cut_in_document=30),), "join": (Fault(cut_in_document=1), Fault(cut_in_document=90))},
    ),
    Kind(
        "ended too early",
        run_s=(2.0, 6.0),
        faults={
            "wait": (Fault(end_after_beats=1),),
            "join": (
                Fault(
                    end_after_beats=0, body=b"{}"
                ),  # at once: of a run that is over nobody could tell it from the truth
                Fault(end_after_beats=1, body=HTML_PAGE),
                Fault(end_after_beats=1, body=b'{"half": '),
                Fault(end_after_beats=0),
            ),
        },
        takes_s=25.0,
        weight=2,
    ),
    Kind("empty object", run_s=(2.0, 5.0), faults={"wait": (Fault(end_after_beats=1, body=b"{}"),)}),
    Kind("document cut short", faults={"wait": (Fault(end_in_document=25),)}),
    Kind(
        "cannot be joined",
        run_s=(1.0, 4.0),
        faults={
            "wait": (_CUT,),
            "join": (
                Fault(status=503),
                Fault(status=429, headers={"Retry-After": "1"}),
                Fault(status=500),
                Fault(status=404, body=HTML_PAGE, headers=HTML),
                Fault(cut_before_headers=True),
            ),
        },
        takes_s=30.0,
    ),
    Kind(
        "cannot be asked",
        faults={
            "runs": (*NO_ANSWERS, Fault(body=b"[]")),
            "run": NO_ANSWERS,
            "state": (
                Fault(status=500),
                Fault(status=502, body=HTML_PAGE, headers=HTML),
                Fault(cut_after_headers=True),
            ),
        },
        takes_s=40.0,
    ),
    Kind(
        "sent to a sign-in page when asked",
        faults=dict.fromkeys(("runs", "run"), (Fault(status=302, headers={"Location": f"{NOWHERE}/login"}),) * 2),
    ),
    Kind("silent", faults={"wait": (Fault(cut_after_beats=1, hang=True),)}, takes_s=SILENCE_S),
    Kind("silent at once", faults={"wait": (Fault(cut_before_headers=True, hang=True),)}, takes_s=SILENCE_S),
    Kind("silent in the JSON", faults={"wait": (Fault(cut_in_document=9, hang=True),)}, takes_s=SILENCE_S),
    Kind(
        "forgotten",
        act="never",
        faults={"wait": (Fault(cut_after_beats=2),)},
        always={"join": Fault(forget=True)},
        ends=_ends("lost"),
    ),
    Kind(
        "refused when joined",
        run_s=(1.0, 4.0),
        faults={"wait": (_CUT,), "join": (Fault(status=401),)},
        takes_s=100.0,
    ),
)

_STATES = (
    *(_state(name, document) for name, document in DOCUMENTS.items()),
    # Given up after half a minute, then the state the run left is taken.
    *(
        _state(f"{name} answer", none, leaves=b'{ "left":  1.0}', takes_s=SILENCE_S)
        for name, none in NO_DOCUMENTS.items()
    ),
    Kind("24 MB", document_bytes=24_000_000, is_read=True, at_most=6, is_long=True, takes_s=40.0),
    Kind("64 MB", document_bytes=64_000_000, is_read=True, at_most=2, is_long=True, takes_s=60.0),
)


def _of_manner(manner: str) -> tuple[Kind, ...]:
    """The differences of a server of another manner: its names for ends, and a launch it does not confirm."""
    create = "wait" if MANNERS[manner].has_wait else "create"
    more: Any = {"manner": manner, "takes_s": SILENCE_S}
    return (
        Kind(f"{manner}: plain", **more),
        Kind(f"{manner}: fails", act="fail", ends=_ends("failed"), **more),
        Kind(f"{manner}: asks", act="ask", ends=_ends("needs_input"), **more),
        Kind(f"{manner}: unconfirmed", faults={create: (Fault(cut_before_headers=True),)}, **more),
    )


_MANNERS = tuple(kind for manner in MANNERS if manner != "langgraph dev" for kind in _of_manner(manner))

KINDS = {
    kind.name: kind for kind in (*_MANNERS, *_HONEST, *_ANSWERS, *_CANCELS, *_ON_THE_WAY_OUT, *_WHILE_IT_RUNS, *_STATES)
}


def kind_of(payload: Mapping[str, Any]) -> Kind | None:
    """The kind that a run's launch carries in its metadata; None for what is no run of ours."""
    return KINDS.get(str((payload.get("metadata") or {}).get("kind")))
