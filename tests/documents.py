"""Final states that servers may send: each must be kept byte for byte, shown, found, and harmless to others."""

from __future__ import annotations

import json
from typing import Any, Final

SCRIPT: Final = "<script>alert(1)</script><img src=x onerror=alert(2)>"
RTL: Final = "\u202egnp.exe\u2066"
UNSEEN: Final = "\u200b\u200d\ufeff"

CONVERSATION: Final = {
    "messages": [
        {"type": SCRIPT, "name": SCRIPT, "content": SCRIPT, "tool_calls": [{"name": SCRIPT, "args": {SCRIPT: SCRIPT}}]},
        {"type": "ai", "content": f"[x](javascript:alert(3)) `{SCRIPT}` <a href='javascript:alert(4)'>y</a>"},
        {"type": "ai", "content": [{"type": "text", "text": SCRIPT}, {"type": SCRIPT, SCRIPT: SCRIPT}]},
    ],
    SCRIPT: [SCRIPT, {SCRIPT: SCRIPT}],
}
DOCUMENTS: Final[dict[str, bytes]] = {
    "NUL, escaped": rb'{"a":"x\u0000y","\u0000":"k"}',
    "NUL, raw": b'{"a":"x\x00y"}',
    "lone surrogates, escaped": rb'{"a":"\ud800","\udfff":"\ud800\ud800"}',
    "lone surrogates, raw": b'{"a":"\xed\xa0\x80"}',
    "broken UTF-8": b'{"a":"\xff\xfe\xc3"}',
    "numbers beyond double": b'{"a":1e400,"b":-1e-400,"c":' + b"9" * 6000 + b',"d":0.1234567890123456789}',
    "NaN and Infinity": b'{"a":NaN,"b":[Infinity,-Infinity]}',
    "equal keys": b'{"a":1,"b":2,"a":3,"a":{"a":1,"a":2}}',
    "key order and spaces": b'{ "z" : 1 ,\r\n\t"a" : 2, "10":0, "9":0 }',
    "10,000 objects deep": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "10,000 lists deep": b"[" * 10_000 + b"]" * 10_000,
    "a million short keys": b"{" + b",".join(b'"%d":0' % number for number in range(1_000_000)) + b"}",
    "a list": b'[1,"two",{"three":3}]',
    "an empty list": b"[]",
    "an empty object": b"{}",
    "text": b'"just text"',
    "a number": b"-12.50",
    "true": b"true",
    "null": b"null",
    "right to left and unseen": json.dumps({RTL: UNSEEN, "\u05d0": RTL}, ensure_ascii=False).encode(),
    "HTML everywhere": json.dumps(CONVERSATION).encode(),
    "keys of the protocol": b'{"__interrupt__":[1],"__error__":"none","values":{},"next":["x"],"messages":[{}]}',
    "6 MB of text": json.dumps({"messages": [{"type": "ai", "content": "# many *words*\n" * 400_000}]}).encode(),
    "9 MB of text": json.dumps(["\u00e4 line\n" * 1_000_000]).encode(),
}  # fmt: skip
NO_DOCUMENTS: Final[dict[str, bytes]] = {
    "empty": b"",
    "blank": b"\n\n",
    "HTML": b"<h1>Bad gateway</h1>",
    "cut": b'{"a":',
}
"""Answers that are none, however often they are asked for."""


def twenty_megabytes() -> Any:
    """A state of 20 MB: 5,000 messages, a list of 120,000 objects and a text of 800,000 lines."""
    items = [{"id": number, "name": f"item {number}", "tags": ["a", "b"], "price": 1.5} for number in range(120_000)]
    turns = [{"type": ("human", "ai")[number % 2], "content": "tides " * 200} for number in range(5_000)]
    return {"messages": turns, "items": items, "text": "tides\n" * 800_000}
