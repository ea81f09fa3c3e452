"""The sample graphs on a real `langgraph dev`: a demo server on a loopback port of its own."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from dashboard.local.ports import free_port, listens
from dashboard.local.service import Service

GRAPHS = Path(__file__).with_name("graphs")
MEMORY = ".langgraph_api"
MEMORY_LIMIT_BYTES = 500 * 1024 * 1024
# None of the demo server's business. PORT and HOST would even steer it, and a key would make it call home.
OURS = {
    "SECRET_KEY", "RUNBOARD_ENCRYPTION_KEYS", "RUNBOARD_ADMIN_PASSWORD", "DATABASE_URL", "HOST", "PORT",
    "LANGGRAPH_URL", "LANGGRAPH_API_KEY", "OIDC_CLIENT_SECRET", "EMAIL_URL", "LANGSMITH_API_KEY", "LANGCHAIN_API_KEY",
    "DATABASE_URI", "POSTGRES_URI", "REDIS_URI",
}  # fmt: skip


class SampleServer:
    """`langgraph dev` with the sample graphs, run from a copy because it writes its memory into its working folder.

    The memory is kept from one start to the next, so that a thread that waits for an answer still waits tomorrow.
    """

    def __init__(self, data_dir: Path, *, say: Callable[[str], None]) -> None:
        self.folder = data_dir / "langgraph"
        self.port = 0
        self.has_moved = False
        self._say = say
        self._port_file = self.folder / "port"
        self.service = Service(
            name="langgraph",
            command=[],
            log_path=data_dir / "logs" / "langgraph.log",
            cwd=self.folder,
            env={
                **{name: value for name, value in os.environ.items() if name not in OURS},
                "LANGGRAPH_CLI_NO_ANALYTICS": "1",
                "LANGSMITH_TRACING": "false",
                "LANGCHAIN_TRACING_V2": "false",
                "PYTHONUNBUFFERED": "1",
                "PYTHONDONTWRITEBYTECODE": "1",
                "NO_COLOR": "1",
            },
            prepare=self._prepare,
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def is_ready(self) -> bool:
        """Whether it listens on its configured port (it silently takes another one when that is taken)."""
        return self.service.process is not None and listens(self.service.process.pid, self.port)

    def _prepare(self, service: Service) -> None:
        self.folder.mkdir(exist_ok=True)
        self.folder.chmod(0o700)  # its memory holds what runs were given
        for source in GRAPHS.iterdir():
            if source.suffix in {".py", ".json"}:
                shutil.copyfile(source, self.folder / source.name)
                (self.folder / source.name).chmod(0o600)
        self._check_memory()
        remembered = self._port_file.read_text() if self._port_file.exists() else ""
        port = free_port(self.port or (int(remembered) if remembered.isdigit() else None))
        self.has_moved = self.port not in {0, port}
        self.port = port
        self._port_file.write_text(str(self.port))
        service.command = [
            sys.executable, "-m", "langgraph_cli", "dev", "--no-browser", "--no-reload", "--host", "127.0.0.1",
            "--port", str(self.port), "--n-jobs-per-worker", "10",
        ]  # fmt: skip

    def _check_memory(self) -> None:
        memory = self.folder / MEMORY
        size = sum(path.stat().st_size for path in memory.rglob("*") if path.is_file())
        if size > MEMORY_LIMIT_BYTES:
            self._say(f"langgraph: the sample server's memory had grown to {size // 1024**2} MB and was emptied")
        elif self.service.failures >= 2 and size:
            self._say("langgraph: the sample server does not start with its old memory, which was emptied")
        else:
            return
        shutil.rmtree(memory)
