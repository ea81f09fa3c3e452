"""The protocol's terms and shapes, as the server sends them (docs/langgraph-protocol.md). Plain dicts at run time.

The TypedDicts are `total=False`: servers differ in what they send, so read with `.get()`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypedDict

Json: TypeAlias = Any
"""Anything a JSON document can hold."""

Input: TypeAlias = Mapping[str, Any] | Sequence[Any] | str | int | float | bool | None
Context: TypeAlias = Mapping[str, Any]
All: TypeAlias = Literal["*"]
DisconnectMode: TypeAlias = Literal["cancel", "continue"]
OnCompletionBehavior: TypeAlias = Literal["delete", "keep"]
MultitaskStrategy: TypeAlias = Literal["reject", "interrupt", "rollback", "enqueue"]
IfNotExists: TypeAlias = Literal["create", "reject"]
Durability: TypeAlias = Literal["sync", "async", "exit"]
CancelAction: TypeAlias = Literal["interrupt", "rollback"]
RunStatus: TypeAlias = Literal["pending", "running", "error", "success", "timeout", "interrupted"]
ThreadStatus: TypeAlias = Literal["idle", "busy", "interrupted", "error"]

PrimitiveData: TypeAlias = str | int | float | bool | None
QueryParamTypes: TypeAlias = (
    Mapping[str, PrimitiveData | Sequence[PrimitiveData]]
    | list[tuple[str, PrimitiveData]]
    | tuple[tuple[str, PrimitiveData], ...]
    | str
    | bytes
)


class Config(TypedDict, total=False):
    """How the assistant runs: tags, the step limit (server default 25) and the graph's configurable values."""

    tags: list[str]
    recursion_limit: int
    configurable: dict[str, Any]


class Command(TypedDict, total=False):
    """`resume` answers an interrupt, `update` changes the state, `goto` names the next node(s)."""

    goto: Any
    update: dict[str, Any] | Sequence[tuple[str, Any]]
    resume: Any


class Checkpoint(TypedDict, total=False):
    """Where in a thread's history to start from."""

    thread_id: str
    checkpoint_ns: str
    checkpoint_id: str | None
    checkpoint_map: dict[str, Any] | None


class LangSmithTracing(TypedDict, total=False):
    """Where the server sends its traces. Goes out as `langsmith_tracer`."""

    project_name: str
    example_id: str


class RunCreateMetadata(TypedDict):
    """The ids of a run that now exists. `thread_id` is None only when the server did not name it."""

    run_id: str
    thread_id: str | None


OnRunCreated: TypeAlias = Callable[[RunCreateMetadata], None] | Callable[[RunCreateMetadata], Awaitable[None]]


class Run(TypedDict, total=False):
    """`GET /threads/{t}/runs/{r}`: no output and no error text. Times are ISO 8601 strings, UTC."""

    run_id: str
    thread_id: str
    assistant_id: str
    created_at: str
    updated_at: str
    status: RunStatus
    metadata: dict[str, Any]
    kwargs: dict[str, Any]
    multitask_strategy: MultitaskStrategy


class Interrupt(TypedDict, total=False):
    """A question the graph waits on."""

    id: str
    value: Any
    response_schema: dict[str, Any]


class Thread(TypedDict, total=False):
    """`GET /threads/{t}`. `interrupts` is `{task id: [Interrupt]}`; `values` the present state or None."""

    thread_id: str
    created_at: str
    updated_at: str
    metadata: dict[str, Any]
    status: ThreadStatus
    values: Any
    interrupts: dict[str, list[Interrupt]]


class ThreadTask(TypedDict, total=False):
    """One node's task at a checkpoint. `error` is the unmasked repr of the exception, `name` the node."""

    id: str
    name: str
    error: str | None
    interrupts: list[Interrupt]
    checkpoint: dict[str, Any] | None
    state: Any
    result: Any


class ThreadState(TypedDict, total=False):
    """`GET /threads/{t}/state`. `next` names the nodes waiting; `interrupts` is a flat list."""

    values: Any
    next: list[str]
    tasks: list[ThreadTask]
    checkpoint: Checkpoint
    parent_checkpoint: Checkpoint | None
    metadata: dict[str, Any]
    created_at: str
    interrupts: list[Interrupt]


class Assistant(TypedDict, total=False):
    """One entry of `POST /assistants/search`; `assistant_id` is a UUID, stable per graph name."""

    assistant_id: str
    graph_id: str
    name: str
    description: str | None
    config: dict[str, Any]
    context: dict[str, Any]
    metadata: dict[str, Any]
    version: int
    created_at: str
    updated_at: str


class GraphSchemas(TypedDict, total=False):
    """`GET /assistants/{uuid}/schemas`. Any schema may be None."""

    graph_id: str
    input_schema: dict[str, Any] | None
    output_schema: dict[str, Any] | None
    state_schema: dict[str, Any] | None
    config_schema: dict[str, Any] | None
    context_schema: dict[str, Any] | None


class Graph(TypedDict, total=False):
    """`GET /assistants/{id}/graph`."""

    nodes: list[dict[str, Any]]
    edges: list[dict[str, Any]]
