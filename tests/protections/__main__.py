"""`python -m tests.protections [NAME...]`: remove each protection in a copy, and see a test fail."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.protections.breaks import BREAKS
from tests.protections.broken import Break, NotThere
from tests.protections.trying import Tried, copy_checkout, run_tests, workshop

UNBROKEN_WITHIN_S = 1800.0
BROKEN_WITHIN_S = 240.0


def main(names: Sequence[str]) -> int:
    """The exit code: 0 when a test fails without each protection."""
    known = {each.name: each for each in BREAKS}
    if unknown := sorted(set(names) - set(known)):
        print(f"no such protection: {', '.join(unknown)}; there are:\n  " + "\n  ".join(known), file=sys.stderr)
        return 2
    chosen = [each for each in BREAKS if not names or each.name in names]
    with workshop() as folder:
        checkout = folder / "checkout"
        copy_checkout(checkout)
        return 0 if _is_green(checkout, chosen) and _are_missed(checkout, chosen) else 1


def _is_green(checkout: Path, chosen: Sequence[Break]) -> bool:
    """Run the tests with nothing removed, so that red means the break."""
    tests = list(dict.fromkeys(test for each in chosen for test in each.tests))
    unbroken = run_tests(checkout, tests, within_s=UNBROKEN_WITHIN_S, first_failure_ends=False)
    print(f"unbroken: {'green' if unbroken.is_green else 'RED'} in {unbroken.seconds:.0f} s\n", flush=True)
    if not unbroken.is_green:
        print(unbroken.tail)
    return unbroken.is_green


def _are_missed(checkout: Path, chosen: Sequence[Break]) -> bool:
    bad = []
    width = max(len(each.name) for each in chosen)
    for each in chosen:
        verdict, details = _try(checkout, each)
        if verdict != "red":
            bad.append(each.name)
        print(f"{verdict:8} {each.name:{width}}  {details}", flush=True)
    print(f"\nA test fails without each of {len(chosen) - len(bad)} of {len(chosen)} protections.")
    if bad:
        print(f"No test fails without: {', '.join(bad)}")
    return not bad


def _try(checkout: Path, each: Break) -> tuple[str, str]:
    """The verdict, and the test that went red or what happened instead."""
    copy = checkout.parent / "broken"
    shutil.copytree(checkout, copy)
    try:
        each.remove_in(copy)
        tried = run_tests(copy, each.tests, within_s=BROKEN_WITHIN_S)
    except NotThere as error:
        return "MOVED", str(error)
    finally:
        shutil.rmtree(copy, ignore_errors=True)
    return _verdict(each, tried)


def _verdict(each: Break, tried: Tried) -> tuple[str, str]:
    if tried.is_red:
        return "red", f"{tried.seconds:5.1f} s  {tried.failed[0].removeprefix('tests/')}"
    happened = "GREEN" if tried.is_green else "ENDLESS" if tried.code is None else "BROKEN"
    return happened, f"{tried.seconds:5.1f} s  {each.promise}\n{tried.tail}"


def _stop(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    sys.exit(main(sys.argv[1:]))
