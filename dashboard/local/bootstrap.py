"""Makes `.venv` and installs a lock file into it when needed. Run by the system's Python, before anything is there.

`python3 bootstrap.py requirements/local.txt`. Standard library only, imports nothing of ours, and is written so that
an old Python can read it far enough to say that it is too old.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OLDEST = (3, 11)
PYTHONS = ("python3.11", "python3.12", "python3.13", "python3.14")
STAMP = "installed.json"
LOG = "install.log"

# What pip says of a download that failed, and how people say it. The first that matches counts.
DOWNLOAD = (
    (r"ProxyError|407 (?:Client|Proxy)|Tunnel connection failed", "the proxy refuses"),
    (r"\b40[13] Client Error|HTTP error 40[13]", "the package index refuses access"),
    (r"\b429 Client Error|HTTP error 429", "the package index has been asked too often"),
    (r"\b5\d\d Server Error|HTTP error 5\d\d", "the package index has an error of its own"),
    (r"CERTIFICATE_VERIFY_FAILED|SSLError|SSLCertVerificationError", "its certificate is not accepted"),
    (r"name resolution|Name or service not known|NameResolutionError", "the package index's name is not found"),
    (r"Connection refused", "the connection is refused"),
    (r"timed out|ConnectTimeout|ReadTimeout", "no answer in time"),
    (r"Network is unreachable|No route to host", "there is no network"),
    (r"Connection reset|Remote end closed|connection broken|IncompleteRead|NewConnectionError", "the connection broke"),
)
COMPILER = re.compile(
    r"command '?\S*(?:gcc|cc|g\+\+|c\+\+|clang|x86_64-linux-gnu-gcc)\S*'? failed|unable to execute '\S*(?:gcc|cc)\S*'"
    r"|No such file or directory: '(?:gcc|cc|g\+\+)'|Unknown compiler|Python\.h: No such file|cargo|rustc"
)


class Failure(Exception):
    """What went wrong, in one sentence that says what to do."""


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a SIGTERM shall clean up as Ctrl-C does
    lock = os.path.join(ROOT, arguments[0])
    venv = os.path.join(ROOT, ".venv")
    try:
        use_new_python(arguments)
        with_lock(ROOT)
        wanted = requirements(lock)
        if not is_installed(venv, wanted):
            install(venv, lock, wanted)
    except Failure as failure:
        print(f"runboard: {failure}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"runboard: {explain_os_error(error, venv)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nrunboard: interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


def use_new_python(arguments: list[str]) -> None:
    """Go on under a Python that is new enough, when this one is not."""
    if sys.version_info >= OLDEST:
        return
    for name in PYTHONS:
        found = shutil.which(name)
        if found:
            os.execv(found, [found, "-I", os.path.abspath(__file__), *arguments])  # noqa: S606 - a list
    needed, found_here = (".".join(map(str, version)) for version in (OLDEST, sys.version_info[:2]))
    raise Failure(
        f"Python {needed} or newer is needed and this is {found_here}: install one "
        "(on Debian 12 apt-get install python3), or name one with PYTHON=/path/to/python3"
    )


def with_lock(folder: str) -> None:
    """Let one process at a time install here. The lock ends with this process."""
    fcntl.flock(os.open(folder, os.O_RDONLY), fcntl.LOCK_EX)


def requirements(lock: str) -> dict[str, str]:
    """What a lock file asks for: each package's name with a digest of its entries (versions, markers, hashes)."""
    with open(lock, encoding="utf-8") as file:
        lines = file.read().replace("\\\n", " ").splitlines()
    found: dict[str, list[str]] = {}
    for line in lines:
        entry = " ".join(line.split())
        if entry and not entry.startswith(("#", "-")):
            found.setdefault(re.split(r"[=<>!~;\[ @]", entry)[0].lower(), []).append(entry)
    return {name: hashlib.sha256("\n".join(entries).encode()).hexdigest() for name, entries in found.items()}


def is_installed(venv: str, wanted: dict[str, str]) -> bool:
    """Whether a finished installation holds everything that is wanted (it may hold more)."""
    stamp = read_stamp(venv)
    return bool(stamp) and wanted.items() <= stamp.items()


def read_stamp(venv: str) -> dict[str, str]:
    """What the last finished installation put there; nothing when the environment was moved or its Python is gone."""
    try:
        with open(os.path.join(venv, STAMP), encoding="utf-8") as file:
            stamp = json.load(file)
    except (FileNotFoundError, ValueError):
        return {}
    if stamp["venv"] != venv or not os.path.exists(os.path.join(venv, "bin", "python")):
        return {}
    return dict(stamp["packages"])


def install(venv: str, lock: str, wanted: dict[str, str]) -> None:
    """Make the environment and install; the stamp comes off first and goes on last."""
    before = read_stamp(venv)
    stamp = os.path.join(venv, STAMP)
    if os.path.lexists(stamp):
        os.unlink(stamp)
    python = os.path.join(venv, "bin", "python")
    if not has_pip(python):
        make_environment(venv)
    run_pip(venv, lock, len(wanted))
    before.update(wanted)
    unfinished = stamp + ".new"
    with open(unfinished, "w", encoding="utf-8") as file:
        json.dump({"venv": venv, "packages": before}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, stamp)


def has_pip(python: str) -> bool:
    if not os.path.exists(python):
        return False
    code = f"import sys, pip; sys.exit(sys.version_info < {OLDEST!r})"
    return (
        subprocess.run([python, "-I", "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    )


def make_environment(venv: str) -> None:
    shutil.rmtree(venv, ignore_errors=True)
    os.mkdir(venv)  # says in plain words when this folder cannot be written
    command = [sys.executable, "-m", "venv", "--clear", venv]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0 and is_venv_missing(done.stdout) and install_venv_module():
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise Failure(explain_venv(done.stdout))


def is_venv_missing(output: str) -> bool:
    return "ensurepip" in output or "No module named venv" in output


def install_venv_module() -> bool:
    """As root on Debian: install the package that Debian takes out of Python."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    print("Installing python3-venv with apt-get", flush=True)
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "python3-venv"]):
        done = subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    return done.returncode == 0


def explain_venv(output: str) -> str:
    if "No space left on device" in output:
        return "The disk is full: about 1 GB is needed for .venv"
    if is_venv_missing(output):
        return "Python's venv module is missing: install it (sudo apt-get install python3-venv) and run this again"
    return f"The virtual environment could not be made: {last_line(output)}"


def run_pip(venv: str, lock: str, count: int) -> None:
    """Install with pip, one line of progress, everything pip says in `.venv/install.log`."""
    command = [
        os.path.join(venv, "bin", "python"), "-I", "-m", "pip", "install", "--require-hashes", "--no-deps",
        "--requirement", lock, "--disable-pip-version-check", "--no-input", "--progress-bar=off", "--no-color",
        "--retries=2", "--timeout=20",
    ]  # fmt: skip
    env = dict(os.environ, PIP_USER="0", PYTHONUNBUFFERED="1", LC_ALL="C.UTF-8")
    name = os.path.relpath(lock, ROOT)
    print(f"Installing {count} packages of {name} into .venv (a minute or two, this once)", flush=True)
    log = os.path.join(venv, LOG)
    if os.path.lexists(log):
        os.unlink(log)
    process = subprocess.Popen(
        [*command, "--log", log], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace",
    )  # fmt: skip
    output = []
    seen = 0
    try:
        for line in process.stdout or ():
            output.append(line)
            if line.startswith(("Collecting ", "Processing ", "Requirement already satisfied")):
                seen += 1
                show(f"  {seen} of {count} collected")
            elif line.startswith("Installing collected packages"):
                show("  unpacking              ")
        code = process.wait()
    finally:
        process.kill()  # harmless after its end; without this, an interrupted start leaves pip at work
    show("                        \r")
    if code != 0:
        raise Failure(explain_pip("".join(output), read(log), os.path.join(".venv", LOG)))


def read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def show(text: str) -> None:
    """Overwrite the line of progress; nothing where nobody watches."""
    if sys.stdout.isatty():
        print("\r" + text, end="", flush=True)


def explain_pip(output: str, details: str, log: str) -> str:
    """One sentence for what pip said before it failed; `details` is its full log."""
    if "No space left on device" in output:
        return "The disk is full: about 1 GB is needed for .venv and pip's downloads (TMPDIR moves the latter)"
    if "DO NOT MATCH THE HASHES" in output:
        return (
            "A downloaded package is not the one the lock file names, so nothing was installed: try again, "
            f"and if it stays, the index or a proxy in between changes packages; see {log}"
        )
    missing = re.search(r"No matching distribution found for (\S+)", output)
    # pip does not report that the index refused to answer, unless it is verbose.
    cause = download_problem(output) or (download_problem(details) if missing else None)
    if cause:
        return (
            f"Packages could not be downloaded ({cause}): check the network, the proxy (HTTPS_PROXY) "
            f"and the package index (PIP_INDEX_URL), then run this again; see {log}"
        )
    if missing:
        return f"The package index has no {missing.group(1)} for this Python and platform: see {log}"
    if COMPILER.search(output):
        return (
            "A package must be compiled here and that needs a compiler: install one "
            f"(sudo apt-get install build-essential python3-dev) and run this again; see {log}"
        )
    if re.search(r"Permission denied|Read-only file system", output):
        return f"A folder cannot be written: {last_line(output)}"
    return f"pip failed: {last_line(output)}; see {log}"


def download_problem(output: str) -> str | None:
    """Why a download failed, in a few words; None when that is not what happened."""
    return next((words for pattern, words in DOWNLOAD if re.search(pattern, output)), None)


def last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or ["it said nothing"])[-1]


def explain_os_error(error: OSError, venv: str) -> str:
    if error.errno == 28:
        return "The disk is full: about 1 GB is needed for .venv"
    reason = (error.strerror or str(error)).lower()
    return f"{error.filename or venv} cannot be used ({reason}): make the clone's folder writable, or clone elsewhere"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
