"""TCP ports of this machine: whether one is free, a free one, and who listens on it."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path


def port_problem(host: str, port: int) -> str | None:
    """Why nothing can listen on `host`:`port`, as a sentence with what to do; None when it can."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except socket.gaierror:
        return f"HOST {host!r} is no address of this machine: set it to 127.0.0.1, or to 0.0.0.0 for all"
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            other = port + 1 if port < 65535 else port - 1
            return f"Port {port} on {host} is taken: end what listens there, or choose another, like PORT={other}"
        if error.errno == errno.EACCES:
            return f"Port {port} needs root: choose one above 1023, for example PORT=8000"
        if error.errno == errno.EADDRNOTAVAIL:
            return f"HOST {host!r} is no address of this machine: set it to 127.0.0.1, or to 0.0.0.0 for all"
        return f"Nothing can listen on {host}:{port}: {error.strerror}"
    return None


def free_port(preferred: int | None = None) -> int:
    """A port on the loopback interface that nobody listens on; `preferred` when that is free."""
    if preferred and port_problem("127.0.0.1", preferred) is None:
        return preferred
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(pid: int, port: int) -> bool:
    """Whether the process `pid` itself listens on TCP `port`."""
    sockets = set()
    try:
        for entry in os.scandir(f"/proc/{pid}/fd"):
            target = os.readlink(entry.path)
            if target.startswith("socket:["):
                sockets.add(target[8:-1])
        lines = [
            line for name in ("tcp", "tcp6") for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]
        ]
    except OSError:
        return False
    listening = "0A"
    for fields in (line.split() for line in lines):
        if fields[3] == listening and int(fields[1].rpartition(":")[2], 16) == port and fields[9] in sockets:
            return True
    return False
