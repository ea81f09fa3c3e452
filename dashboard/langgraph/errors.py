"""Every error this package raises. Errors of httpx, h11 or orjson never leave it.

    LangGraphError
    |-- RequestInvalid                       the request cannot be put on the wire; nothing was sent
    |-- ClientClosed                         the client was used after its `async with` ended; nothing was sent
    |-- ServerUnreachable                    no usable answer came; `may_exist`: it may have taken effect
    |   |-- ServerUnreachableNotCreated      provably nothing was created: send it again
    |   |   `-- AddressRefused             the address is private, and that is not allowed; no connection was opened
    |   `-- ServerUnreachablePerhapsCreated  the run may exist: look it up, never post it again
    |-- RequestRejected                      the server said no, in a sentence; nothing was created
    |   |-- RunRejected                      ... to the POST that creates a run
    |   `-- NotFound                         404 to anything else
    |       `-- RunNotFound                  the server does not know the run (or its thread)
    |-- RunFailed                            the graph raised: arrives as {"__error__": ...} inside HTTP 200
    `-- AnswerNotUnderstood                  the server answered 2xx with something that is not the JSON we expect
        `-- AnswerTooLarge                   ... or with more of it than is taken

`asyncio.CancelledError`, and whatever the caller's own callbacks raise, pass through unchanged.
"""

from __future__ import annotations

from typing import Any


class LangGraphError(Exception):
    """Base class of every error this package raises. `str(error)` is one sentence for people."""


class RequestInvalid(LangGraphError, ValueError):
    """The request cannot be put on the wire (address, header, path, value). Nothing was sent; a retry is useless."""


class ClientClosed(LangGraphError):
    """The client's `async with` block is over. Nothing was sent."""


class ServerUnreachable(LangGraphError):
    """No usable answer came back.

    Attributes:
        may_exist: False when the request provably changed nothing on the server; True when nobody knows.
        status_code: The HTTP status when a server or proxy did answer (5xx), else None.
        retry_after_s: What `Retry-After` asked for, in seconds, else None.
        run_id: The run's id, when the connection broke after headers that named it; else None.
        thread_id: The thread's id, when the connection broke after the headers; else None.
        was_taken: The request was taken and no answer came in time: the server, or one behind it, may still begin it.
    """

    may_exist: bool = True

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        retry_after_s: float | None = None,
        run_id: str | None = None,
        thread_id: str | None = None,
        was_taken: bool = False,
    ) -> None:
        super().__init__(message)
        self.was_taken = was_taken
        self.status_code = status_code
        self.retry_after_s = retry_after_s
        self.run_id = run_id
        self.thread_id = thread_id


class ServerUnreachableNotCreated(ServerUnreachable):
    """No request byte left this process, or the request was one that creates nothing (a GET). Safe to send again."""

    may_exist = False


class AddressRefused(ServerUnreachableNotCreated):
    """The server's name or address leads into a private network, which is not allowed for it. Nothing was opened."""


class ServerUnreachablePerhapsCreated(ServerUnreachable):
    """The request left and no trustworthy answer came (cut, silence, 500 502 504): look before posting again."""

    may_exist = True


class RequestRejected(LangGraphError):
    """The server understood and refused: nothing was created or changed.

    Attributes:
        status_code: The HTTP status: 3xx (redirects are not followed), 4xx, 501, 503 or 505.
        detail: The server's own sentence out of `{"detail": ...}`, or ours when it sent none.
        is_json: Whether the refusal was JSON, so that the LangGraph server (not a proxy before it) is speaking.
        retry_after_s: What `Retry-After` asked for, in seconds, else None.
    """

    def __init__(
        self, detail: str, *, status_code: int, retry_after_s: float | None = None, is_json: bool = True
    ) -> None:
        super().__init__(f"{status_code}: {detail}")
        self.detail = detail
        self.status_code = status_code
        self.retry_after_s = retry_after_s
        self.is_json = is_json

    @property
    def is_temporary(self) -> bool:
        """Whether the same request may succeed later: 408, 425, 429 and 503."""
        return self.status_code in TEMPORARY_STATUSES

    @property
    def is_missing_route(self) -> bool:
        """Whether the server does not have the endpoint at all, as its web framework says: "Not Found", and no more."""
        return (self.status_code, self.detail.strip(" .").casefold()) in (
            (404, "not found"),
            (405, "method not allowed"),
        )


TEMPORARY_STATUSES = frozenset({408, 425, 429, 503})


class RunRejected(RequestRejected):
    """The server refused to create the run (3xx, 4xx, 501, 503, 505): nothing was created. `is_temporary`: later."""


class NotFound(RequestRejected):
    """404: the server does not know what was asked for (assistant, thread, ...)."""


class RunNotFound(NotFound):
    """The server does not know the run or its thread: deleted, rolled back, forgotten, or never there."""


class RunFailed(LangGraphError):
    """The graph raised an exception.

    Attributes:
        type: The exception's class name, for example "ValueError".
        message: Its message; the server masks it for exception classes of the graph's own (docs/langgraph-protocol.md).
        state: The whole `{"__error__": {...}}` document as the server sent it.
        run_id: The run's id, else None.
        thread_id: The thread's id, else None.
    """

    def __init__(
        self,
        type: str,
        message: str,
        *,
        state: Any,
        run_id: str | None = None,
        thread_id: str | None = None,
    ) -> None:
        super().__init__(f"{type}: {message}")
        self.type = type
        self.message = message
        self.state = state
        self.run_id = run_id
        self.thread_id = thread_id


class AnswerNotUnderstood(LangGraphError):
    """A 2xx answer that is not the JSON the protocol promises. A run it answers for does exist.

    Attributes:
        body: The first 2,000 bytes of what came, for the log.
        run_id: The run's id when known, else None.
        thread_id: The thread's id when known, else None.
    """

    def __init__(
        self, message: str, *, body: bytes | bytearray = b"", run_id: str | None = None, thread_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.body = bytes(body[:2000])
        self.run_id = run_id
        self.thread_id = thread_id


class AnswerTooLarge(AnswerNotUnderstood):
    """A 2xx answer with more bytes than this client takes. The rest was not read; another attempt would be as large."""
