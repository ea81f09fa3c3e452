"""Chromium for the browser tests: where it is; `python -m dashboard.local.browser` gets it (as root on Debian).

The headless shell comes first: the same engine without what draws windows, at less than half the CPU time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

SHELL = "chromium-headless-shell"
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOW = "Chromium is needed for the browser tests: install it (sudo apt-get install chromium) and run this again"


def find_chromium() -> str | None:
    """The path of an installed Chromium or Chrome."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def install_chromium() -> str | None:
    """Install Chromium with apt-get; what went wrong as a sentence, or None when it is there now."""
    print("Installing Chromium with apt-get", flush=True)
    _apt_get("update", "-qq")
    for package in (SHELL, "chromium"):  # older releases of Debian have no headless shell
        said = _apt_get("install", "-y", "-qq", "--no-install-recommends", package)
        if find_chromium():
            return None
    lines = said.strip().splitlines()
    return f"apt-get could not install Chromium ({lines[-1] if lines else 'it said nothing'}): install it by hand"


def _apt_get(*arguments: str) -> str:
    """What it said."""
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        ["apt-get", *arguments], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, check=False,
    )  # fmt: skip
    return done.stdout


def main() -> int:
    can_install = os.geteuid() == 0 and shutil.which("apt-get")
    if find_chromium() and (shutil.which(SHELL) or not can_install or not os.environ.get("CI")):
        return 0
    problem = install_chromium() if can_install else HOW
    if problem:
        print(f"runboard: {problem}", file=sys.stderr)
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
