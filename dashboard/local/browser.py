"""Chromium for the browser tests: where it is; `python -m dashboard.local.browser` gets it (as root on Debian)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOW = "Chromium is needed for the browser tests: install it (sudo apt-get install chromium) and run this again"


def find_chromium() -> str | None:
    """The path of an installed Chromium or Chrome."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def install_chromium() -> str | None:
    """Install Chromium with apt-get; what went wrong as a sentence, or None when it is there now."""
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    print("Installing Chromium with apt-get", flush=True)
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"],
    ):
        done = subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False,
        )  # fmt: skip
    if find_chromium():
        return None
    lines = done.stdout.strip().splitlines()
    return f"apt-get could not install Chromium ({lines[-1] if lines else 'it said nothing'}): install it by hand"


def main() -> int:
    if find_chromium():
        return 0
    problem = install_chromium() if os.geteuid() == 0 and shutil.which("apt-get") else HOW
    if problem:
        print(f"runboard: {problem}", file=sys.stderr)
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
