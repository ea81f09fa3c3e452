"""What can go wrong with one answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

HTML_PAGE = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass(frozen=True)
class Fault:
    """One bad answer. Fields combine; those left alone keep the server's honest behaviour.

    Where it breaks (at most one of these):
        cut_before_headers: Close the connection instead of answering.
        cut_after_headers: Close it right after the header block.
        cut_after_beats: Close it after so many heartbeats.
        cut_in_document: Send so many bytes of the JSON document, then close. Waits for the run to end first.
        cut_at: Close after exactly so many bytes of the whole response: status line, headers, chunk framing and all.
        end_after_beats: End the answer cleanly (last chunk sent) after so many heartbeats: an empty answer, or `body`.
        end_in_document: End it cleanly after so many bytes of the document.

    How it breaks:
        hang: Instead of closing, keep the connection open and say nothing more.
        reset: Close with RST instead of FIN.

    What it says:
        status, detail: Answer this status with `{"detail": detail}`; nothing is created. With `creates` the run is
            created all the same, as by a server that fails afterwards.
        headers: Added to the answer, or replacing; a value of None removes the header ("Location", "Content-Location").
        elsewhere: An origin to put before the paths in Location and Content-Location, as a careless proxy does.
        body: Sent instead of the honest body: b"" is an empty answer, HTML_PAGE a proxy's page.
        drip_s: Send a byte at a time, with so many seconds between two.
        close: Close the connection after the answer, without having said `Connection: close`.

    And:
        creates: Whether a POST that is answered badly creates its run; None: as an honest server does with that status.
        forget: Forget the run named in the path before answering.
        delay_s: Wait so long before the first byte.
    """

    cut_before_headers: bool = False
    cut_after_headers: bool = False
    cut_after_beats: int | None = None
    cut_in_document: int | None = None
    cut_at: int | None = None
    end_after_beats: int | None = None
    end_in_document: int | None = None
    hang: bool = False
    reset: bool = False
    status: int | None = None
    detail: str | None = "scripted"
    headers: Mapping[str, str | None] = field(default_factory=dict)
    elsewhere: str = ""
    body: bytes | None = None
    drip_s: float | None = None
    close: bool = False
    creates: bool | None = None
    forget: bool = False
    delay_s: float = 0.0

    @property
    def lets_create(self) -> bool:
        """Whether the run is created although the answer is bad."""
        if self.creates is not None:
            return self.creates
        return self.status is None or self.status < 300
