"""CPU seconds of imports."""

from __future__ import annotations

from benchmarks.platform import imports


def test_each_stage_is_measured_beside_torch(monkeypatch) -> None:
    seconds = iter(range(1, 1000))
    monkeypatch.setattr(imports, "_import_s", lambda module: float(next(seconds)))
    found = imports.measure(2)
    assert found["import_cpu_s_torch"].interval == (1.0, 2.0)
    assert found["import_cpu_s_nas_search"].value < found["import_cpu_s_nas_transfer"].value


def test_an_import_takes_time() -> None:
    assert imports._import_s("json") > 0.0
