"""Sets a Python process' wall clock off by TESTS_CLOCK_OFF_S seconds. Python imports this by itself from PYTHONPATH.

The monotonic clock stays: on a machine whose date is wrong it is right.
"""

import datetime
import os
import time

OFF_S = float(os.environ.get("TESTS_CLOCK_OFF_S", "0"))

_time, _time_ns, _Right = time.time, time.time_ns, datetime.datetime


class _Anyone(type):
    def __instancecheck__(cls, thing):
        return isinstance(thing, _Right)

    def __subclasscheck__(cls, kind):
        return issubclass(kind, _Right)


class _Wrong(_Right, metaclass=_Anyone):
    """`datetime.datetime` whose `now` is off; every moment counts as one of it."""

    @classmethod
    def now(cls, tz=None):
        return _Right.now(tz) + datetime.timedelta(seconds=OFF_S)

    @classmethod
    def utcnow(cls):
        return _Right.now(datetime.UTC).replace(tzinfo=None) + datetime.timedelta(seconds=OFF_S)


if OFF_S:
    time.time = lambda: _time() + OFF_S
    time.time_ns = lambda: _time_ns() + int(OFF_S * 1e9)
    datetime.datetime = _Wrong
