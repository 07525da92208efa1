from __future__ import annotations

import json

import numpy as np
import pytest

from tasks.core.errors import ConfigError, ResourceError, TransientError
from tasks.core.models import ServerAnswer
from tasks.serving.release.client import Releasing, served_name
from tests.support.serving.toy_server import Toy, ToyServer


@pytest.fixture
def server():
    return ToyServer({1: Toy(), 2: Toy(factor=3.0)})


class Refusing:
    """Answers all with one status."""

    def __init__(self, status):
        self.status = status

    def ask(self, method, path, body=b"", headers=None):
        return ServerAnswer(self.status, b'{"error": "because"}')


def test_a_model_is_found_by_the_registry_s_name_or_as_it_is_told(server):
    assert served_name(server, "cells-toy", "") == "cells"
    assert served_name(server, "anything", "cells") == "cells"
    with pytest.raises(ConfigError, match=r"it has none of cells; name it in configs/serving.yaml"):
        served_name(server, "words", "")
    server.config["models"]["again"] = {"registry": "cells-toy"}
    with pytest.raises(ConfigError, match="it has cells, again of"):
        served_name(server, "cells-toy", "")


def test_a_release_holds_gives_and_ends(server):
    mine = Releasing(server, "cells", "run-1")
    assert mine.look().stable == 1
    assert mine.hold(2).candidate == 2
    assert mine.hold(2, 50, {"step": 1}).share == 50
    with pytest.raises(ConfigError, match="the release 'run-1' holds this model"):
        Releasing(server, "cells", "run-2").hold(2)
    assert mine.end(2, {"verdict": "promoted"}).stable == 2
    assert server.release.note == {"verdict": "promoted"}


@pytest.mark.parametrize(
    ("status", "error", "told"),
    [
        (401, ResourceError, "set ORRERY_SERVING_TOKEN"),
        (403, ResourceError, "because"),
        (404, ConfigError, "because"),
        (503, TransientError, "because"),
    ],
)
def test_a_server_that_refuses_is_told_of(status, error, told):
    with pytest.raises(error, match=told):
        Releasing(Refusing(status), "cells", "run-1").hold(2)


def test_versions_are_asked_by_tensors(server):
    mine = Releasing(server, "cells", "run-1")
    asked = {"x": np.arange(6, dtype=np.float32).reshape(3, 2)}
    found = mine.infer(2, "predict", asked)
    np.testing.assert_array_equal(found["y"], 3 * asked["x"])
    server.versions[2].failed = 1.0
    assert mine.infer(2, "predict", asked) is None


def test_it_waits_until_a_version_answers_or_can_t(server, monkeypatch):
    mine, toy = Releasing(server, "cells", "run-1"), server.versions[2]
    toy.state = "LOADING"

    def sleep(_):
        toy.state = "AVAILABLE"

    monkeypatch.setattr("time.sleep", sleep)
    assert mine.wait_loaded(2, 10) == ""
    toy.state, toy.message = "END", "golden outputs differ"
    assert mine.wait_loaded(2, 10) == "the server can't load it: golden outputs differ"
    toy.state, toy.message = "LOADING", ""
    monkeypatch.setattr("time.sleep", lambda _: None)
    assert mine.wait_loaded(2, 0.01).startswith("the server has not loaded it in 0.01 s")


def test_counts_are_read_of_the_model_alone(server):
    mine = Releasing(server, "cells", "run-1")
    mine.hold(2, 500)
    assert mine.counted().of(2, 0.1).num > 0
    assert json.loads(json.dumps(server.puts[-1]))["share"] == 500
