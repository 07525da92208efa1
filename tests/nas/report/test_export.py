from __future__ import annotations

import pytest

from tasks.core.errors import ResourceError
from tasks.core.files import export_files
from tasks.nas.report.export import trials_csv
from tests.support.nas.search_runs import search_log


def test_trials_are_rows_in_order():
    log = search_log(5)
    head, *rows = trials_csv(log).splitlines()
    assert head.startswith("search,genotype_hash,rung,accuracy,reason")
    assert [row.split(",")[1] for row in rows] == [t.genotype_hash for t in log.trials]


def test_files_are_copied_whole_and_replaced(tmp_path):
    source, target = tmp_path / "a.txt", tmp_path / "out"
    for text in ("one", "two"):
        source.write_text(text)
        export_files({"a.txt": source}, target, "report.export_to")
    assert (target / "a.txt").read_text() == "two"
    assert [path.name for path in target.iterdir()] == ["a.txt"]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ResourceError, match="could not export"):
        export_files({"a": tmp_path / "file"}, tmp_path / "file" / "x", "report.export_to")
