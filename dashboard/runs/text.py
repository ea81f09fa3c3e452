"""Text from graphs and servers, made fit for Postgres."""

from __future__ import annotations

import re
import unicodedata

# Scripts that write no spaces between words: each character is a word of its own, and a search for several is a phrase.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+|[^\w\s]")
_ASCII_WORD = re.compile("[a-z0-9_]+")
_SYMBOLS = {"So", "Sk"}


def storable(text: str) -> str:
    """`text` as Postgres can keep it: NUL and lone surrogates become the replacement character."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def words_of(text: str) -> list[str]:
    """The words of `text` as the search index has them, in order.

    Postgres' parser would keep addresses, paths, file names and numbers with a point whole, of which a person types the
    parts; it would drop emoji, which become words here (`emoji1f30a`), and take a Chinese sentence for one word.
    """
    if text.isascii():  # most texts are, and it is three times as fast
        return [word for word in _ASCII_WORD.findall(text.lower()) if word.strip("_")]
    found = []
    for word in _WORD.findall(unicodedata.normalize("NFC", storable(text)).casefold()):
        if word.strip("_") and (word[0].isalnum() or word[0] == "_"):
            found.append(word)
        elif unicodedata.category(word) in _SYMBOLS and word > "\u2000":
            found.append(f"emoji{ord(word):x}")
    return found


def searchable(text: str) -> str:
    """`text` as words alone, so that Postgres' parser and a search split it in the same places."""
    return " ".join(words_of(text))


def one_line(text: str, limit: int) -> str:
    """`text` on one line of at most `limit` characters, cut between words where there is one to cut at."""
    line = " ".join(storable(text[: 20 * limit]).split())
    if len(line) <= limit:
        return line
    cut = line[: limit - 1]
    space = cut.rfind(" ")
    return (cut[:space] if space > limit // 2 else cut).rstrip(" ,;:.-") + "…"


def is_visible(text: str) -> bool:
    """Whether `text` has a visible character: nobody could click a name of zero-width characters."""
    if text.isprintable():  # most are
        return text != "" and not text.isspace()
    return any(char.isprintable() and not char.isspace() for char in text)
