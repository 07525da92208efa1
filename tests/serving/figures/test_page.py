"""What is counted stands on the page, as Prometheus reads it."""

from __future__ import annotations

from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tasks.serving.differences import Differences
from tasks.serving.figures.page import Figures
from tasks.serving.types import Answered, Code, VersionFigures


def samples(figures: Figures) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(figures.page().decode())
    return {
        (each.name, *sorted(each.labels.values())): each.value
        for family in families
        for each in family.samples
    }


def figures(*told: Any) -> Figures:
    return Figures(lambda: told)


def test_requests_are_counted_by_how_they_ended() -> None:
    counted = figures(VersionFigures("some", 3))
    for _ in range(2):
        counted.answer("some", "rest", Answered({}, 3), 0.5)
    counted.fail("some", 3, "rest", Code.UNAVAILABLE)
    counted.fail("", None, "grpc", Code.NOT_FOUND)
    found = samples(counted)
    name = "orrery_serving_requests_total"
    assert found[name, "3", "OK", "rest", "some"] == 2
    assert found[name, "3", "UNAVAILABLE", "rest", "some"] == 1
    assert found[name, "", "", "NOT_FOUND", "grpc"] == 1


def test_times_and_sizes_are_histograms() -> None:
    counted = figures()
    for size, took_s in ((1, 0.0005), (5, 0.003), (5000, 99.0)):
        counted.answer("some", "grpc", Answered({}, 3, 0.0, 0.2, size), took_s)
    found = samples(counted)
    took = "orrery_serving_took_seconds"
    assert found[f"{took}_bucket", "0.0005", "3", "grpc", "some"] == 1
    assert found[f"{took}_bucket", "0.005", "3", "grpc", "some"] == 2
    assert found[f"{took}_bucket", "+Inf", "3", "grpc", "some"] == 3
    assert found[f"{took}_count", "3", "grpc", "some"] == 3
    assert found[f"{took}_sum", "3", "grpc", "some"] == 99.0035
    assert found["orrery_serving_batch_size_bucket", "3", "8.0", "grpc", "some"] == 2
    assert found["orrery_serving_computed_seconds_bucket", "0.25", "3", "grpc", "some"] == 3
    assert found["orrery_serving_queued_seconds_bucket", "0.0001", "3", "grpc", "some"] == 3


def test_many_answers_are_counted_as_few_are() -> None:
    counted = figures()
    for _ in range(10_000):
        counted.answer("some", "rest", Answered({}, 3), 0.5)
    found = samples(counted)
    assert found["orrery_serving_took_seconds_sum", "3", "rest", "some"] == 5000
    assert found["orrery_serving_requests_total", "3", "OK", "rest", "some"] == 10_000
    again = samples(counted)
    assert all(again[key] == value for key, value in found.items() if "process" not in key[0])


def test_shadows_rows_and_versions_are_told() -> None:
    counted = figures(VersionFigures("some", 3, 7_000_000, 2, 4, 1, 5, 0.25))
    counted.compare("some", 3, 4, Differences(2, 1, 1, 0, 0.5))
    counted.compare("some", 3, 4, None)
    counted.num_logged, counted.num_unlogged = 8, 9
    found = samples(counted)
    assert found["orrery_serving_shadow_compared_total", "3", "4", "some"] == 2
    assert found["orrery_serving_shadow_differing_total", "3", "4", "some"] == 1
    assert found["orrery_serving_shadow_dropped_total", "3", "4", "some"] == 1
    assert (found["orrery_serving_logged_total",], found["orrery_serving_unlogged_total",]) == (
        8,
        9,
    )
    for name, value in (
        ("resident_bytes", 7e6),
        ("waiting", 2),
        ("loads_total", 4),
        ("failed_loads_total", 1),
        ("restarts_total", 5),
        ("load_seconds", 0.25),
    ):
        assert found[f"orrery_serving_{name}", "3", "some"] == value
    assert found["process_resident_memory_bytes",] > 1e6


def test_versions_that_are_gone_are_forgotten() -> None:
    there = [VersionFigures("some", 3)]
    counted = Figures(lambda: there)
    counted.fail("", None, "rest", Code.NOT_FOUND)
    counted.answer("some", "rest", Answered({}, 3), 0.5)
    there[:] = [VersionFigures("some", 4)]
    counted.answer("some", "rest", Answered({}, 4), 0.5)
    name = "orrery_serving_requests_total"
    assert {key[1:] for key in samples(counted) if key[0] == name} == {
        ("", "", "NOT_FOUND", "rest"),
        ("4", "OK", "rest", "some"),
    }
