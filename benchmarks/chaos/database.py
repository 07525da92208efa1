"""A PostgreSQL of the benchmark's own: started, killed and started again as a team's would be."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from operators.processes.ports import free_ports

BIN: Final = Path("/usr/lib/postgresql/15/bin")
# Who runs it where the benchmark runs as root, which it refuses.
_USER = "postgres"
_AWAY_S = 20.0


@dataclass
class Database:
    """One server.

    Attributes:
        folder: Its data; None before it was started.
        port: Where it listens.
    """

    folder: Path | None = None
    port: int = 0

    @property
    def is_there(self) -> bool:
        """Whether PostgreSQL is installed."""
        return (BIN / "pg_ctl").exists()

    def start(self, folder: Path) -> str:
        """Make it anew and start it; returns the URL of its database.

        Args:
            folder: New folder for its data, with parents that its user may enter.
        """
        self.folder, self.port = folder, free_ports(1)[0]
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if os.getuid() == 0:
            shutil.chown(folder, _USER, _USER)
        self._run("initdb", "-D", str(folder), "--auth=trust", "--username=airflow", "--no-sync")
        self._up()
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "airflow", "airflow")
        return f"postgresql://airflow@127.0.0.1:{self.port}/airflow"

    def kill(self, _scene: Any) -> None:
        """Kill all of it; it comes back a little later, as a supervisor would see to."""
        if self.folder is None:
            raise RuntimeError("the database was not started")
        first = int((self.folder / "postmaster.pid").read_text().split()[0])
        os.kill(first, 9)
        time.sleep(_AWAY_S)
        self._up()

    def stop(self) -> None:
        """End it, if it was started."""
        if self.folder is not None:
            self._run("pg_ctl", "-D", str(self.folder), "-m", "immediate", "stop")
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    def _up(self) -> None:
        options = f"-p {self.port} -h 127.0.0.1 -k {self.folder}"
        log = f"{self.folder}/log"
        self._run("pg_ctl", "-D", str(self.folder), "-w", "-l", log, "-o", options, "start")

    def _run(self, name: str, *arguments: str) -> None:
        user = ["runuser", "-u", _USER, "--"] if os.getuid() == 0 else []
        subprocess.run(
            [*user, str(BIN / name), *arguments],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )


# The one of this process; faults are named before it is started.
OWN: Final = Database()
