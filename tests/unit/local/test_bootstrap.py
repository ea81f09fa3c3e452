"""The bootstrap that runs before anything is installed: what counts as installed, and what it says when it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dashboard.local import bootstrap

LOCK = """\
anyio==4.16.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
# a comment
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:cc
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "lock.txt"
    path.write_text(LOCK)
    return path


def stamped(tmp_path: Path, packages: dict[str, str]) -> str:
    venv = tmp_path / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").touch()
    (venv / bootstrap.STAMP).write_text(json.dumps({"venv": str(venv), "packages": packages}))
    return str(venv)


def test_a_lock_file_is_read_by_package(lock: Path) -> None:
    assert set(bootstrap.requirements(str(lock))) == {"anyio", "colorama"}


def test_a_changed_hash_is_a_change(lock: Path) -> None:
    before = bootstrap.requirements(str(lock))

    lock.write_text(LOCK.replace("sha256:bb", "sha256:dd"))

    after = bootstrap.requirements(str(lock))
    assert after["anyio"] != before["anyio"]
    assert after["colorama"] == before["colorama"]


def test_an_environment_with_more_packages_holds_the_smaller_lock(tmp_path: Path, lock: Path) -> None:
    wanted = bootstrap.requirements(str(lock))

    venv = stamped(tmp_path, {**wanted, "pytest": "digest"})

    assert bootstrap.is_installed(venv, wanted)


@pytest.mark.parametrize("packages", [{}, {"anyio": "another digest", "colorama": "another digest"}])
def test_an_environment_without_the_packages_does_not(tmp_path: Path, lock: Path, packages: dict[str, str]) -> None:
    assert not bootstrap.is_installed(stamped(tmp_path, packages), bootstrap.requirements(str(lock)))


def test_an_environment_without_a_stamp_was_interrupted(tmp_path: Path, lock: Path) -> None:
    venv = stamped(tmp_path, bootstrap.requirements(str(lock)))

    (Path(venv) / bootstrap.STAMP).unlink()

    assert not bootstrap.is_installed(venv, bootstrap.requirements(str(lock)))


def test_an_environment_that_was_moved_is_made_again(tmp_path: Path, lock: Path) -> None:
    wanted = bootstrap.requirements(str(lock))
    moved = Path(stamped(tmp_path, wanted)).rename(tmp_path / "moved")

    assert not bootstrap.is_installed(str(moved), wanted)


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE",
            "is not the one the lock file names",
        ),
        (
            "WARNING: Retrying after connection broken by 'NewConnectionError(Failed to establish a new connection: "
            "[Errno 111] Connection refused')'\nERROR: No matching distribution found for anyio==4.16.0",
            "could not be downloaded (the connection is refused)",
        ),
        ("[Errno -3] Temporary failure in name resolution", "the package index's name is not found"),
        ("ReadTimeoutError: Read timed out.", "no answer in time"),
        ("SSLError(SSLCertVerificationError(1, 'CERTIFICATE_VERIFY_FAILED", "its certificate is not accepted"),
        ("ProxyError('Cannot connect to proxy.'", "the proxy refuses"),
        ("ERROR: HTTP error 403 while getting x", "the package index refuses access"),
        ("ERROR: No matching distribution found for anyio==4.16.0", "has no anyio==4.16.0 for this Python"),
        ("error: command 'gcc' failed: No such file or directory", "install build-essential"),
        ("error: command '/usr/bin/gcc' failed with exit code 1\nPython.h: No such file", "install build-essential"),
        ("ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: 'x'", "cannot be written"),
        ("something\nERROR: what nobody foresaw", "pip failed: ERROR: what nobody foresaw"),
    ],
)
def test_pip_failing_is_said_in_one_sentence(output: str, sentence: str) -> None:
    said = bootstrap.explain_pip(output, "", "install.log")

    assert sentence in said
    assert "\n" not in said


def test_pip_hides_that_the_index_refused_but_its_log_does_not() -> None:
    output = "ERROR: No matching distribution found for anyio==4.16.0"
    details = "Could not fetch URL http://index/anyio/: 403 Client Error: Forbidden for url"

    assert "the package index refuses access" in bootstrap.explain_pip(output, details, "install.log")


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("The virtual environment was not created because ensurepip is not available.", "apt-get install python3-venv"),
        ("/usr/bin/python3: No module named venv", "apt-get install python3-venv"),
        ("Error: [Errno 28] No space left on device", "The disk is full"),
        ("Error: odd", "could not be made: Error: odd"),
    ],
)
def test_a_failing_venv_is_said_in_one_sentence(output: str, sentence: str) -> None:
    assert sentence in bootstrap.explain_venv(output)


def test_an_old_python_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)

    with pytest.raises(bootstrap.Failure, match=r"Python 3\.11 or newer is needed and this is 3\.9"):
        bootstrap.use_new_python([])


def test_an_unwritable_folder_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], lock: Path
) -> None:
    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(bootstrap, "ROOT", str(tmp_path))
    monkeypatch.setattr(bootstrap.os, "mkdir", refuse)

    code = bootstrap.main([lock.name])

    assert code == 1
    assert ".venv cannot be used (permission denied)" in capsys.readouterr().err


def test_the_lock_files_hold_hashes_and_no_address() -> None:
    for path in (Path(bootstrap.ROOT) / "requirements").glob("*.txt"):
        text = path.read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text, f"{path.name} holds an address"


def test_what_runs_it_needs_is_in_what_tests_need() -> None:
    locks = {
        name: bootstrap.requirements(str(Path(bootstrap.ROOT) / "requirements" / f"{name}.txt"))
        for name in ("base", "local", "dev")
    }

    assert locks["local"].items() <= locks["dev"].items(), "make test and make run would install in turns"
    assert locks["base"].keys() <= locks["local"].keys()
