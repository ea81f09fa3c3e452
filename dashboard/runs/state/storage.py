"""Writes final states to the database and reads them, a piece at a time: they may have hundreds of megabytes."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from django.db import DataError, connection

from dashboard.runs.transitions import Statement

PIECE_BYTES = 1_000_000
STORED_PIECE_BYTES = 250_000
SMALL_BYTES = 1_000_000
"""Up to this size a packed state is a parameter of the statement that ends its run, which saves a round trip."""
FIELD_MAX_BYTES = 2**30 - 1
"""The most that one value in Postgres can have."""

_INSERT = """
INSERT INTO runs_runresult (run_id, compressed, size_bytes, sha256) SELECT id, %s, %s, %s FROM changed
"""
_COPY = "COPY runs_runresult (run_id, compressed, size_bytes, sha256) FROM STDIN (FORMAT BINARY)"
_COPY_BEGINS = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
_COPY_ENDS = struct.pack("!h", -1)


@dataclass(frozen=True)
class PackedState:
    """A final state as it is stored: compressed, in pieces, with size and hash of the original."""

    pieces: list[bytes]
    size_bytes: int
    sha256: bytes

    @property
    def packed_bytes(self) -> int:
        """The size as it is stored."""
        return sum(map(len, self.pieces))

    @property
    def is_small(self) -> bool:
        """Whether it may be a parameter of a statement: a large one would be in memory six times over, as text."""
        return self.packed_bytes <= SMALL_BYTES


def pack(body: bytes) -> PackedState:
    """Compress a body. Needs the memory of the result and no more; takes a while when it is large."""
    packer = zlib.compressobj(1)
    view = memoryview(body)
    pieces = [packer.compress(view[start : start + PIECE_BYTES]) for start in range(0, len(view), PIECE_BYTES)]
    pieces.append(packer.flush())
    return PackedState([piece for piece in pieces if piece], len(body), hashlib.sha256(body).digest())


def packed_insert(packed: PackedState) -> Statement:
    """The statement that stores a small state with the change of its run (see `runs_change`)."""
    return _INSERT, (b"".join(packed.pieces), packed.size_bytes, packed.sha256)


def packed_copy(run_id: UUID, packed: PackedState) -> None:
    """Store a state of any size.

    Raises:
        DataError: it is larger than Postgres can keep.
    """
    if packed.packed_bytes > FIELD_MAX_BYTES:
        raise DataError(f"a final state of {packed.packed_bytes:,} bytes, compressed, is more than Postgres can keep")
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for piece in _copied(run_id, packed):
            copy.write(piece)


class Unpacked:
    """A run's final state as it was received, piece after piece; neither Postgres nor we ever hold more than one.

    Where Postgres was away, the next attempt goes on from there.
    """

    def __init__(self, run_id: UUID) -> None:
        self._run_id = run_id
        self._unpacker = zlib.decompressobj()
        self._at = 1
        self._packed = b""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        while True:
            if not self._packed:
                self._packed = _stored_piece(self._run_id, self._at)
                self._at += len(self._packed)
            is_last = not self._packed
            part = self._unpacker.decompress(self._packed, PIECE_BYTES)
            self._packed = self._unpacker.unconsumed_tail
            if part:
                return part
            if is_last:
                raise StopIteration


def beginning(run_id: UUID, size: int) -> bytes:
    """The first `size` bytes of a final state, or all of a shorter one."""
    found = bytearray()
    for piece in Unpacked(run_id):
        found += piece
        if len(found) >= size:
            break
    return bytes(found[:size])


def _stored_piece(run_id: UUID, at: int) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT substring(compressed from %s for %s) FROM runs_runresult WHERE run_id = %s",
            [at, STORED_PIECE_BYTES, run_id],
        )
        row = cursor.fetchone()
    return bytes(row[0]) if row else b""


def _copied(run_id: UUID, packed: PackedState) -> Iterator[bytes]:
    """One row in Postgres' binary COPY format: each field after its length."""
    yield _COPY_BEGINS + struct.pack("!h", 4) + _field(run_id.bytes)
    yield struct.pack("!i", packed.packed_bytes)
    yield from packed.pieces
    yield _field(struct.pack("!q", packed.size_bytes)) + _field(packed.sha256) + _COPY_ENDS


def _field(value: bytes) -> bytes:
    return struct.pack("!i", len(value)) + value
