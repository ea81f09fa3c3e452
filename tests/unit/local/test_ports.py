"""Ports: what can be had, and what is said when one cannot."""

from __future__ import annotations

import os
import socket

from dashboard.local.ports import free_port, listens, port_problem


def test_a_taken_port_is_named_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        problem = port_problem("127.0.0.1", port)

    assert problem is not None
    assert f"Port {port} on 127.0.0.1 is taken" in problem
    assert "PORT=" in problem


def test_a_free_port_has_no_problem() -> None:
    assert port_problem("127.0.0.1", free_port()) is None


def test_the_preferred_port_is_taken_only_when_free() -> None:
    preferred = free_port()
    assert free_port(preferred) == preferred

    with socket.create_server(("127.0.0.1", preferred)):
        assert free_port(preferred) != preferred


def test_a_host_of_another_machine_is_said() -> None:
    problem = port_problem("192.0.2.1", free_port())

    assert problem is not None
    assert "is no address of this machine" in problem


def test_only_the_process_that_listens_is_found_listening() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        assert listens(os.getpid(), port)
        assert not listens(os.getppid(), port)
    assert not listens(os.getpid(), port)
