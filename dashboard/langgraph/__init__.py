"""Our own async client for LangGraph servers, over httpx. Imports nothing of Django or of the other rooms.

    async with get_client(url, headers={"x-api-key": key}) as client:
        state = await client.runs.wait(thread_id, "chat", input={...})

`errors` lists what can go wrong; `types` holds the protocol's terms and shapes.
"""

from dashboard.langgraph._json.state_summary import GraphError, StateSummary
from dashboard.langgraph.answers import Answer, ConnectionEvent, OnConnection
from dashboard.langgraph.backoff import Backoff
from dashboard.langgraph.checkpoints import Checkpoint, Task, ValuesRoom
from dashboard.langgraph.client import LangGraphClient, Probe, get_client, silence_of
from dashboard.langgraph.errors import (
    AddressRefused,
    AnswerNotUnderstood,
    AnswerTooLarge,
    ClientClosed,
    LangGraphError,
    NotFound,
    RequestInvalid,
    RequestRejected,
    RunFailed,
    RunNotFound,
    RunRejected,
    ServerUnreachable,
    ServerUnreachableNotCreated,
    ServerUnreachablePerhapsCreated,
)
from dashboard.langgraph.events import StreamEvent
from dashboard.langgraph.types import RunCreateMetadata

__all__ = [
    "AddressRefused",
    "Answer",
    "AnswerNotUnderstood",
    "AnswerTooLarge",
    "Backoff",
    "Checkpoint",
    "ClientClosed",
    "ConnectionEvent",
    "GraphError",
    "LangGraphClient",
    "LangGraphError",
    "NotFound",
    "OnConnection",
    "Probe",
    "RequestInvalid",
    "RequestRejected",
    "RunCreateMetadata",
    "RunFailed",
    "RunNotFound",
    "RunRejected",
    "ServerUnreachable",
    "ServerUnreachableNotCreated",
    "ServerUnreachablePerhapsCreated",
    "StateSummary",
    "StreamEvent",
    "Task",
    "ValuesRoom",
    "get_client",
    "silence_of",
]
