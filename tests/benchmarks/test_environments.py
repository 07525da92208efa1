"""Environments of peers: pinned by hash, made whole and once."""

from __future__ import annotations

import os
import re
import sys
import threading
from pathlib import Path

import pytest

from benchmarks import environments
from benchmarks.environments import CACHE, PEERS, ROOT, environment, run_there
from tasks.core.errors import ResourceError

NAMES = sorted(path.stem for path in PEERS.glob("*.in"))
# Stands in for uv: makes an environment of this Python, notes what it is asked, fails on demand.
FAKE_UV = f"""#!/bin/sh
cd "$(dirname "$0")"
echo "$@" >> asked
case "$*" in
venv*) for folder in "$@"; do :; done
    mkdir -p "$folder/bin" && ln -s {sys.executable} "$folder/bin/python" ;;
*) sleep 0.2; [ ! -e broken ] || {{ echo "a hash differs" >&2; exit 1; }} ;;
esac
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a peer's lock file and a uv that needs no network."""
    (tmp_path / "uv").write_text(FAKE_UV)
    (tmp_path / "uv").chmod(0o755)
    (tmp_path / "peer.lock").write_text("peer==1 --hash=sha256:00\n")
    monkeypatch.setattr(environments, "UV", tmp_path / "uv")
    monkeypatch.setattr(environments, "PEERS", tmp_path)
    monkeypatch.setattr(environments, "CACHE", tmp_path / "cache")
    return tmp_path


def asked(home: Path) -> list[str]:
    return [line.split()[0] for line in (home / "asked").read_text().splitlines()]


@pytest.mark.parametrize("name", NAMES)
def test_each_peer_is_pinned_and_hashed_and_names_no_host(name: str) -> None:
    lock = (PEERS / f"{name}.lock").read_text()
    entries = [entry for entry in re.split(r"\n(?=\S)", lock) if not entry.startswith("#")]
    assert len(entries) > 10
    for entry in entries:
        assert re.match(r"[a-z0-9][a-z0-9.\-]*==\S+( ;.*)? \\\n", entry), entry
        assert "--hash=sha256:" in entry
    wanted = [line for line in (PEERS / f"{name}.in").read_text().splitlines() if line[0] != "#"]
    pins = [re.sub(r"\[.*\]", "", line) for line in wanted]  # a lock names what extras bring
    assert all(f"\n{each} " in lock for each in pins), "make lock"
    for text in (lock, (PEERS / f"{name}.in").read_text()):
        assert "://" not in text
        assert "index" not in text.replace("--no-emit-index-url", "")


def test_every_lock_file_has_its_source_and_is_made_by_make_lock() -> None:
    assert sorted(path.stem for path in PEERS.glob("*.lock")) == NAMES
    assert "for peer in peers/*.in" in (ROOT / "Makefile").read_text()


def test_an_environment_is_installed_from_the_lock_by_its_hashes(home: Path) -> None:
    python = environment("peer")
    assert python.parent.parent.name.startswith("peer-")
    venv, install = (home / "asked").read_text().splitlines()
    assert venv.startswith("venv ")
    assert install == f"pip install -q --require-hashes --python {python} -r {home / 'peer.lock'}"
    assert run_there(python, write_script(home), "3") == {"argument": "3"}


def write_script(home: Path) -> Path:
    path = home / "script.py"
    path.write_text("import json, sys\nprint(json.dumps({'argument': sys.argv[1]}))\n")
    return path


def test_it_is_made_once_and_again_where_the_lock_changes(home: Path) -> None:
    first = environment("peer")
    assert environment("peer") == first
    (home / "peer.lock").write_text("peer==2 --hash=sha256:00\n")
    assert environment("peer") != first
    assert asked(home) == ["venv", "pip"] * 2


def test_one_that_was_interrupted_is_made_again(home: Path) -> None:
    (home / "broken").touch()
    with pytest.raises(ResourceError, match="a hash differs"):
        environment("peer")
    (folder,) = (home / "cache").glob("peer-*/")
    (folder / "half a package").touch()
    (home / "broken").unlink()
    environment("peer")
    assert {path.name for path in folder.iterdir()} == {"bin", "ready"}


def test_of_two_that_need_it_one_makes_it(home: Path) -> None:
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(environment("peer"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert len(set(found)) == 1
    assert asked(home) == ["venv", "pip"]


def test_a_peer_without_a_lock_file_is_named(home: Path) -> None:
    with pytest.raises(ResourceError, match=r"other\.lock: expected the lock file of a peer"):
        environment("other")


def test_environments_are_kept_outside_the_repository() -> None:
    assert ROOT not in CACHE.parents
    assert os.access(environments.UV, os.X_OK)
