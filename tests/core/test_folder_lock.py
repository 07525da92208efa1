"""The lock of a folder: one holder, and the next one soon where that is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import filelock._soft
import pytest
from filelock import SoftFileLease

from tasks.core import folder_lock
from tasks.core.errors import ResourceError, TransientError
from tasks.core.folder_lock import HOLDER, LOCK, locked

ROOT = Path(__file__).resolve().parents[2]
LEASE_S = 1.5  # long enough for a busy machine to give signs of life in time
HOLD = f"""
import sys, time
from pathlib import Path
from tasks.core import folder_lock
folder_lock.LEASE_S = {LEASE_S}
with folder_lock.locked(Path(sys.argv[1]), "other.stage", "publish.export_to"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def short_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_lock, "LEASE_S", LEASE_S)


@pytest.fixture
def other(tmp_path: Path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], cwd=ROOT, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def write_marker_of_another_machine(folder: Path) -> Path:
    """The lock as it looks where a process of another machine holds it."""
    with SoftFileLease(folder / LOCK, lease_duration=LEASE_S) as lease:
        text = (folder / LOCK).read_text()
        assert lease.owner is not None
        name = lease.owner.hostname
    (folder / LOCK).write_text(text.replace(name, "elsewhere"))
    return folder / LOCK


def test_nothing_is_left_in_a_folder_that_was_locked(tmp_path: Path) -> None:
    with locked(tmp_path / "new", "a.stage", "x.export_to") as check:
        check()
        assert "a.stage, process" in (tmp_path / "new" / HOLDER).read_text()
    assert list((tmp_path / "new").iterdir()) == []


def test_a_living_holder_is_named_with_the_time(tmp_path: Path, other: subprocess.Popen) -> None:
    said = rf"other\.stage, process {other.pid} on .*, since 20\d\d-.*publish\.export_to"
    with pytest.raises(TransientError, match=said), locked(tmp_path, "b", "publish.export_to"):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {LOCK, HOLDER}, "it keeps its lock"


def test_a_killed_holder_is_followed_at_once(tmp_path: Path, other: subprocess.Popen) -> None:
    other.send_signal(signal.SIGKILL)
    other.wait()
    begun_s = time.monotonic()
    with locked(tmp_path, "b", "x.export_to"):
        assert time.monotonic() - begun_s < LEASE_S, (
            "its process is gone: no need to wait for its sign"
        )
        assert f"process {os.getpid()} on" in (tmp_path / HOLDER).read_text()
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(params=["exchanges names", "can't"])
def file_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that can exchange two names in one step, or can't: NFS, SMB."""
    if request.param == "can't":
        monkeypatch.setattr(filelock._soft, "exchange_names", lambda *names: False)


@pytest.mark.usefixtures("file_system")
def test_a_silent_holder_on_another_machine_is_followed_after_the_lease(tmp_path: Path) -> None:
    write_marker_of_another_machine(tmp_path)
    begun_s = time.monotonic()
    with locked(tmp_path, "b", "x.export_to"):
        assert time.monotonic() - begun_s >= LEASE_S
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("file_system")
def test_a_holder_on_another_machine_that_gives_signs_keeps_the_lock(tmp_path: Path) -> None:
    path, stop = write_marker_of_another_machine(tmp_path), threading.Event()

    def live() -> None:
        while not stop.wait(0.1):
            os.utime(path)

    thread = threading.Thread(target=live)
    thread.start()
    try:
        with (
            pytest.raises(TransientError, match="another run is writing"),
            locked(tmp_path, "b", "x"),
        ):
            pass
    finally:
        stop.set()
        thread.join()
    assert "elsewhere" in path.read_text()
    assert [each.name for each in tmp_path.iterdir()] == [LOCK]


def test_a_lock_that_was_taken_meanwhile_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / LOCK
    path.write_text("the silent one")
    silent = folder_lock._sign_of_life(path)
    assert silent is not None
    path.unlink()
    time.sleep(0.02)
    path.write_text("a living one")
    folder_lock._set_aside(path, silent)
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {LOCK: "a living one"}


def test_who_lost_the_lock_is_told(tmp_path: Path) -> None:
    def work(check: Callable[[], None]) -> None:
        (tmp_path / LOCK).unlink()
        for _ in range(100):
            check()
            time.sleep(0.05)

    with locked(tmp_path, "b", "x") as check, pytest.raises(TransientError, match="was lost"):
        work(check)


def in_the_way(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (folder / "file").write_text("a file")
    return folder / "file"


def below_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return in_the_way(folder, monkeypatch) / "out"


def no_permission(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def refuse(path: str, *args: object, **kwargs: object) -> int:
        if str(path).endswith(LOCK):
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *args, **kwargs)

    opened = os.open
    monkeypatch.setattr(os, "open", refuse)
    return folder


@pytest.mark.parametrize("case", [in_the_way, below_a_file, no_permission])
def test_a_folder_that_cannot_be_written_is_named_with_its_setting(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    case: Callable[[Path, pytest.MonkeyPatch], Path],
) -> None:
    folder = case(tmp_path, monkeypatch)
    said = rf"{folder}: could not export .*choose a writable folder .* as x\.export_to"
    with pytest.raises(ResourceError, match=said), locked(folder, "b", "x.export_to"):
        pass
    assert not (tmp_path / LOCK).exists()
