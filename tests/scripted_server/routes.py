"""Which endpoint a request is for, by the names a script uses."""

from __future__ import annotations

from tests.scripted_server.wire import Request

ENDPOINTS = frozenset(
    (
        *("wait", "create", "join", "run", "cancel", "runs"),
        *("thread", "state", "history", "threads_create", "threads_search", "thread_delete"),
        *("assistants", "assistant", "schemas", "graph", "info", "ok"),
    )
)


def endpoint_of(request: Request) -> tuple[str, list[str]]:
    """The endpoint's name and the ids in its path."""
    match request.method, request.segments:
        case "POST", ["threads", thread, "runs", "wait"]:
            return "wait", [thread]
        case "POST", ["runs", "wait"]:
            return "wait", []
        case "POST", ["threads", thread, "runs"]:
            return "create", [thread]
        case "POST", ["runs"]:
            return "create", []
        case "GET", ["threads", thread, "runs", run, "join"]:
            return "join", [thread, run]
        case "POST", ["threads", thread, "runs", run, "cancel"]:
            return "cancel", [thread, run]
        case "GET", ["threads", thread, "runs", run]:
            return "run", [thread, run]
        case "GET", ["threads", thread, "runs"]:
            return "runs", [thread]
        case "GET", ["threads", thread, "state"]:
            return "state", [thread]
        case "GET" | "POST", ["threads", thread, "history"]:
            return "history", [thread]
        case "POST", ["threads", "search"]:
            return "threads_search", []
        case "POST", ["threads"]:
            return "threads_create", []
        case "GET", ["threads", thread]:
            return "thread", [thread]
        case "DELETE", ["threads", thread]:
            return "thread_delete", [thread]
        case "POST", ["assistants", "search"]:
            return "assistants", []
        case "GET", ["assistants", assistant, "schemas" | "graph" as what]:
            return what, [assistant]
        case "GET", ["assistants", assistant]:
            return "assistant", [assistant]
        case "GET", ["ok" | "info" as what]:
            return what, []
    return "thread", []
