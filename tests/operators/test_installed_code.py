"""One digest of all code that a node runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from operators import installed_code
from operators.installed_code import check_code, code_digest, code_folder
from tasks.core.errors import ResourceError


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("tasks/a/b.py", "tasks/a/page.html.j2", "operators/c.py", "operators/__init__.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(installed_code, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "name",
    ["tasks/a/b.py", "tasks/a/page.html.j2", "operators/new.py", "tasks/a/vendored/b/c.js"],
)
def test_every_file_of_code_counts(name: str, root: Path) -> None:
    before = code_digest()
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text("changed")
    assert code_digest() != before


def test_a_file_that_moves_counts(root: Path) -> None:
    before = code_digest()
    (root / "operators/c.py").rename(root / "operators/d.py")
    assert code_digest() != before


@pytest.mark.parametrize("name", ["tasks/a/__pycache__/b.pyc", "tasks/README.md", "dags/d.py"])
def test_what_no_node_runs_does_not_count(name: str, root: Path) -> None:
    before = code_digest()
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text("new")
    assert code_digest() == before


def test_what_an_editor_keeps_beside_a_file_stops_nothing(root: Path) -> None:
    before = code_digest()
    (root / "tasks/a/.#b.py").symlink_to("me@here.4711:1764445216")  # as Emacs locks a file
    (root / "tasks/a/.b.py").write_text("half writt")
    (root / "tasks/folder.py").mkdir()
    assert code_digest() == before


def test_a_file_that_goes_while_it_is_looked_for_stops_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = code_digest()
    (root / "tasks/gone.py").write_text("new")
    files = list(installed_code._files())
    (root / "tasks/gone.py").unlink()
    monkeypatch.setattr(installed_code, "_files", lambda: iter(files))
    assert code_digest() == before


def test_an_edit_between_submission_and_start_stops_no_run_on_the_same_files(root: Path) -> None:
    submitted, folder = code_digest(), code_folder()
    (root / "operators/c.py").write_text("edited")
    check_code(submitted, "the submitter", folder)
    with pytest.raises(ResourceError):
        check_code(submitted, "the submitter", folder.replace(":", "-node:", 1))


def test_other_code_is_refused_with_both_digests(root: Path) -> None:
    check_code(code_digest(), "the submitter")
    check_code("", "the submitter")
    expected = f"{code_digest()[:12]}.*than the submitter.*ffffffffffff.*same image.*make up"
    with pytest.raises(ResourceError, match=expected):
        check_code("f" * 64, "the submitter")
