from __future__ import annotations

from tasks.serving.figures.summary import Summary
from tasks.serving.oip.tell import SERVER, config, index, metadata, statistics
from tasks.serving.types import Code, State, VersionStatus
from tests.support.serving.bundles import bundle


def test_a_model_tells_what_it_takes_and_gives():
    found = metadata("some", {4, 3}, bundle())
    assert (found["name"], found["versions"]) == ("some", ["3", "4"])
    assert found["inputs"] == [{"name": "words", "datatype": "INT64", "shape": [-1, -1]}]
    assert {each["name"] for each in found["outputs"]} == {"each", "sum"}


def test_its_configuration_is_that_of_one_item():
    found = config("some", bundle(), 32)
    assert (found["name"], found["max_batch_size"]) == ("some", 32)
    assert found["input"] == [{"name": "words", "data_type": "TYPE_INT64", "dims": [-1]}]


def test_statistics_count_requests_and_nanoseconds():
    summary = Summary(num_answered=3, num_failed=1, took_s=0.5, queued_s=0.1, computed_s=0.2)
    (found,) = statistics([("some", 3, summary)])["model_stats"]
    assert (found["name"], found["version"], found["inference_count"]) == ("some", "3", 3)
    assert found["inference_stats"]["success"] == {"count": 3, "ns": 500_000_000}
    assert found["inference_stats"]["fail"]["count"] == 1
    assert found["inference_stats"]["compute_infer"]["ns"] == 200_000_000


def test_the_index_has_all_versions_or_those_that_answer():
    rows = [
        ("some", VersionStatus(3, State.AVAILABLE)),
        ("some", VersionStatus(4, State.END, Code.FAILED_PRECONDITION, "golden outputs differ")),
    ]
    assert [each["state"] for each in index(rows, is_ready=False)] == ["READY", "UNAVAILABLE"]
    assert index(rows, is_ready=False)[1]["reason"] == "golden outputs differ"
    assert [each["version"] for each in index(rows, is_ready=True)] == ["3"]
    assert "binary_tensor_data" in SERVER["extensions"]
