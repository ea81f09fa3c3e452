"""A small `up` for the supervisor's tests: `python -m tests.integration.local.supervised FOLDER NAME...`.

Each NAME is a program that writes its process ids (its own and a child's of its own) to FOLDER/NAME. `stubborn`
and `deaf` ignore SIGTERM. Every end is written to FOLDER/order.
"""

from __future__ import annotations

import sys
from pathlib import Path

from dashboard.env import BASE_DIR
from dashboard.langgraph import Backoff
from dashboard.local.service import Service
from dashboard.local.supervisor import StopAsked, Supervisor

PAUSES = Backoff(first_s=0.2, longest_s=15.0)
PATIENCE_S = {"stubborn": 1.5, "deaf": 60}

PROGRAM = """
import os, pathlib, signal, subprocess, sys, time
folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]

def end(*_):
    with (folder / "order").open("a") as file:
        file.write(name + "\\n")
    sys.exit(0)

signal.signal(signal.SIGTERM, signal.SIG_IGN if name in ("stubborn", "deaf") else end)
child = subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(100)"])
(folder / (name + ".new")).write_text(f"{os.getpid()} {child.pid}")
(folder / (name + ".new")).rename(folder / name)
while True:
    time.sleep(100)
"""


def main(folder: Path, names: list[str]) -> None:
    try:
        with Supervisor(lambda line: print(line, flush=True)) as supervisor:
            for name in names:
                command = [sys.executable, "-I", "-S", "-c", PROGRAM, str(folder), name]
                log = folder / "logs" / f"{name}.log"
                supervisor.start(
                    Service(name, command, log, cwd=BASE_DIR, patience_s=PATIENCE_S.get(name, 5), pauses=PAUSES)
                )
            print("started", flush=True)
            supervisor.run_forever()
    except StopAsked:
        print("stopped", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
