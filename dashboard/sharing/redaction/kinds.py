"""Kinds of text that a link can hide everywhere: e-mail addresses, phone and card numbers, secrets.

Every pattern is bounded or possessive, so that its time grows with its text: see `tests/unit/test_patterns.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

Hide = Callable[[str, str], str]
"""Called with a kind and the hidden text; returns its replacement."""

_MAIL: Final = re.compile(r"[\w.+'-]{1,64}+(?:@|%40)[\w-]{1,63}+(?:\.[\w-]{1,63}+){1,8}+", re.IGNORECASE)
# With a country code, in groups, or in one piece after a nought. Dates and ids have other groups.
_PHONE: Final = re.compile(
    r"(?<![\w.-])(?:"
    r"(?:\+|00)\d(?:[ ./()\u00a0\u2011-]{0,3}+\d){6,14}+"
    r"|\(?0?\d{2,4}\)?[ ./\u00a0-]{1,2}\d{3,4}[ .\u00a0-]\d{3,4}(?:[ .-]\d{2,4})?"
    r"|0\d{2,4}[ ./\u00a0-]{1,2}\d{5,9}"
    r"|0\d{8,11}"
    r")(?![\w-])"
)
_DIGITS: Final = re.compile(r"(?<!\d)\d(?:[ \u00a0-]?\d){12,40}+")
_PRIVATE_KEY: Final = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]{0,20000}+(?:-----END [A-Z ]{0,40}-----)?"
)
_KEYS: Final = re.compile(
    r"\b(?:"
    r"(?:sk|pk|rk)[-_][\w-]{16,200}+"
    r"|gh[oprsu]_\w{20,255}+|github_pat_\w{20,255}+|glpat-[\w-]{16,100}+"
    r"|xox[a-z]-[\w-]{10,200}+|(?:AKIA|ASIA)[0-9A-Z]{16}|AIza[\w-]{30,60}+"
    r"|lsv2_\w{10,200}+|hf_\w{20,100}+|npm_\w{20,100}+|rb_[\w-]{20,100}+|SG\.[\w-]{10,100}+\.[\w-]{10,100}+"
    r"|eyJ[\w-]{5,2000}+\.[\w-]{5,4000}+(?:\.[\w-]{0,2000}+)?"
    r")"
)
_BEARER: Final = re.compile(r"\b(Bearer|Basic|Token)[ ]{1,3}([\w.~+/=-]{12,2000}+)", re.IGNORECASE)
_NAMED: Final = re.compile(
    r"((?:passwords?|passwd|pwd|secret|token|api[_ -]?key|access[_ -]?key|private[_ -]?key|credentials?)"
    r"[\"']?[ ]{0,3}[:=][ ]{0,3}[\"']?)(?!\[(?:[a-z]+ )?hidden\])([^\s\"',;&<>]{4,500}+)",
    re.IGNORECASE,
)
_IN_URL: Final = re.compile(r"(://[^\s/:@]{0,100}+:)([^\s/@]{1,200}+)(?=@)")

SECRET_KEYS: Final = frozenset(
    "password passwd pwd passphrase secret client_secret token access_token refresh_token id_token auth_token api_key "
    "apikey x_api_key access_key secret_key private_key authorization cookie set_cookie credential credentials".split()
)
"""Names of members whose whole value is a secret, whatever it looks like."""


def is_secret_key(key: str) -> bool:
    """Whether a member of this name holds a secret."""
    return key.lower().replace("-", "_") in SECRET_KEYS


def _email(text: str, hide: Hide) -> str:
    if "@" not in text and "%40" not in text:
        return text
    return _MAIL.sub(lambda found: hide("email", found[0]), text)


def _phone(text: str, hide: Hide) -> str:
    return _PHONE.sub(lambda found: hide("phone", found[0]), text)


def _card(text: str, hide: Hide) -> str:
    return _DIGITS.sub(lambda found: _cards_in(found[0], hide), text)


def _secret(text: str, hide: Hide) -> str:
    text = _PRIVATE_KEY.sub(lambda found: hide("secret", found[0]), text)
    text = _BEARER.sub(lambda found: f"{found[1]} {hide('secret', found[2])}", text)
    text = _IN_URL.sub(lambda found: found[1] + hide("secret", found[2]), text)
    text = _NAMED.sub(lambda found: found[1] + hide("secret", found[2]), text)
    return _KEYS.sub(lambda found: hide("secret", found[0]), text)


@dataclass(frozen=True)
class Kind:
    """A kind of text: its name for programs, its label, and the function that removes it."""

    name: str
    label: str
    take_out: Callable[[str, Hide], str]


KINDS: Final = {
    kind.name: kind
    for kind in (
        # Secrets first: otherwise an address with a password in it would look like an e-mail address.
        Kind("secret", "Keys, tokens, passwords", _secret),
        Kind("email", "E-mail addresses", _email),
        Kind("card", "Card numbers", _card),
        Kind("phone", "Phone numbers", _phone),
    )
}

ISSUERS: Final = "23456"
CARD_LENGTHS: Final = (19, 16, 15, 14, 13, 18, 17)


def _cards_in(run: str, hide: Hide) -> str:
    """`run` with every card number hidden: one begins and ends where a group of digits does."""
    places = [at for at, char in enumerate(run) if char.isdigit()]
    done, at, first = "", 0, 0
    while first < len(places):
        begins = first == 0 or places[first] - places[first - 1] > 1
        end = _card_end(run, places, first) if begins else None
        if end is None:
            first += 1
            continue
        done += run[at : places[first]] + hide("card", run[places[first] : places[end - 1] + 1])
        at, first = places[end - 1] + 1, end
    return done + run[at:]


def _card_end(run: str, places: list[int], first: int) -> int | None:
    if run[places[first]] not in ISSUERS:
        return None
    for length in CARD_LENGTHS:
        end = first + length
        if end > len(places) or (end < len(places) and places[end] - places[end - 1] == 1):
            continue
        if is_card("".join(run[at] for at in places[first:end])):
            return end
    return None


def is_card(digits: str) -> bool:
    """Whether 13 to 19 digits could be a card's: no issuer begins with 0, 1, 7, 8 or 9, and the checksum is right."""
    if digits[0] not in ISSUERS or not digits.isascii():
        return False
    total = 0
    for number, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + number % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
