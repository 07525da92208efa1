"""Packages of the operating system: one list, which the Makefile, the images and errors share."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LISTED = (ROOT / "requirements" / "system.txt").read_text().split()


def run_script(bin_folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """Run the script where `bin_folder` comes first on the path."""
    path = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [ROOT / "requirements" / "system-deps", *flags],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def command(folder: Path, name: str, body: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)


def test_images_install_the_list() -> None:
    dockerfile = (ROOT / "docker" / "Dockerfile").read_text()
    assert "COPY requirements/system.txt /tmp/system.txt" in dockerfile
    assert "xargs apt-get install" in dockerfile
    assert "< /tmp/system.txt" in dockerfile
    assert "!requirements/system.txt" in (ROOT / ".dockerignore").read_text().splitlines()


def test_the_renderers_error_names_the_list() -> None:
    engine = pytest.importorskip("tasks.grasping.worlds.surrogate.engine")
    assert all(package in engine.PACKAGES["egl"] for package in LISTED)


def test_a_missing_package_is_installed_by_root(tmp_path: Path) -> None:
    command(tmp_path, "dpkg-query", '[ "$4" = libegl1 ] || echo "install ok installed"')
    command(tmp_path, "id", "echo 0")
    command(tmp_path, "apt-get", f'echo "apt-get $*" >> {tmp_path}/calls')
    assert run_script(tmp_path).returncode == 0
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls[-1] == "apt-get install --yes --no-install-recommends libegl1"


def test_without_root_the_command_is_told_and_nothing_done(tmp_path: Path) -> None:
    command(tmp_path, "dpkg-query", "exit 1")
    command(tmp_path, "id", "echo 1000")
    command(tmp_path, "apt-get", f"touch {tmp_path}/called")
    result = run_script(tmp_path)
    assert result.returncode == 1
    assert f"apt-get install --no-install-recommends {' '.join(LISTED)}" in result.stderr
    assert not (tmp_path / "called").exists()


def test_a_check_tells_what_is_missing_and_never_fails(tmp_path: Path) -> None:
    command(tmp_path, "dpkg-query", "exit 1")
    command(tmp_path, "apt-get", f"touch {tmp_path}/called")
    result = run_script(tmp_path, "--check")
    assert result.returncode == 0
    assert all(package in result.stdout for package in LISTED)
    assert "make system-deps" in result.stdout
    assert not (tmp_path / "called").exists()
