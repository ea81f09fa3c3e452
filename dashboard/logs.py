"""What must not stand in a log."""

from __future__ import annotations

import logging
import re

_TOKENS = re.compile(r"(/(?:s|sign-in)/)[^/\s\"']+")


class HideTokens(logging.Filter):
    """Takes the tokens out of the addresses of share and sign-in links: whoever reads them could use them."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        hidden = _TOKENS.sub(r"\1...", said)
        if hidden != said:
            record.msg, record.args = hidden, ()
        return True
