"""A PostgreSQL of a test's own, on the loopback interface; skipped where none is installed.

A folder whose tests need it says so in its conftest; see `tests.support.kernel.servers`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from operators.processes.ports import free_ports

PASSWORD = "a %/secret@:x"  # noqa: S105 - made up, and awkward in a URL
QUOTED = "a%20%25%2Fsecret%40%3Ax"


def programs() -> Path:
    """Folder of the newest server that Debian has installed; skips the test if there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no PostgreSQL here (Debian: apt-get install postgresql)")
    return found[-1].parent


class Postgres:
    """A server with one empty database, ``orrery``.

    Attributes:
        url: What DATABASE_URL would be.
    """

    def __init__(self, folder: Path) -> None:
        """Make the server's files; `start` starts it.

        Args:
            folder: Takes all that it writes; the user that it runs as can enter it.
        """
        self._bin, self._folder, (self._port,) = programs(), folder, free_ports(1)
        if os.getuid() == 0:
            shutil.chown(folder, "postgres")
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o644)
        options = ["--username=orrery", f"--pwfile={folder}/password", "--auth=scram-sha-256"]
        self._run("initdb", *options, "--no-sync", f"--pgdata={folder}/data")
        (folder / "password").unlink()
        self.url = f"postgresql://orrery:{QUOTED}@127.0.0.1:{self._port}/orrery"
        self.start()
        env = {**os.environ, "PGPASSWORD": PASSWORD}
        address = ("--host=127.0.0.1", f"--port={self._port}", "--username=orrery")
        subprocess.run([self._bin / "createdb", *address, "orrery"], env=env, check=True)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-c listen_addresses=127.0.0.1 -p {self._port} -k {self._folder} -c fsync=off"
        self._control("start", f"--options={options}", f"--log={self._folder}/log")

    def stop(self) -> None:
        """Stop it, whoever is connected."""
        self._control("stop", "--mode=immediate")

    def _control(self, what: str, *options: str) -> None:
        self._run("pg_ctl", what, f"--pgdata={self._folder}/data", "--wait", *options)

    def _run(self, program: str, *arguments: str) -> None:
        own = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        quiet = {"stdout": subprocess.DEVNULL, "cwd": self._folder}
        subprocess.run([*own, self._bin / program, *arguments], check=True, **quiet)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A server for the session, running whenever a test begins."""
    programs()
    folder = Path(tempfile.mkdtemp(prefix="orrery-postgres-"))
    try:
        server = Postgres(folder)
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
