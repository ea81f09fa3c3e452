"""One protection, and what the code looks like without it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class NotThere(Exception):
    """The text of a protection is not in its file exactly once: the list or the code has moved on."""


@dataclass(frozen=True)
class Break:
    """A protection that can be removed.

    Attributes:
        name: Short, to be typed.
        promise: What is protected, in one sentence.
        file: Relative to the checkout.
        old: The protection, exactly as it stands in the file, once.
        new: What stands there without it.
        tests: Ids of which at least one must fail then; few and quick ones.
    """

    name: str
    promise: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def applied_to(self, text: str) -> str:
        """The file's text without the protection.

        Raises:
            NotThere: `old` is not in it exactly once.
        """
        count = text.count(self.old)
        if count != 1:
            raise NotThere(f"{self.name}: its text is {count} times in {self.file}, and must be there once")
        return text.replace(self.old, self.new)

    def remove_in(self, root: Path) -> None:
        """Remove the protection in a copy of the checkout."""
        path = root / self.file
        path.write_text(self.applied_to(path.read_text()))
