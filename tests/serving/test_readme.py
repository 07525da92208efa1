"""The examples of the README mean something."""

from __future__ import annotations

import json
import math
import re
import shlex
from pathlib import Path

from tasks.core.outside.documents import parse_yaml
from tasks.core.params import parse_config
from tasks.nas.transfer.config import RegisterConfig
from tasks.serving.config import ServingConfig
from tasks.serving.release.record import read_asked
from tasks.serving.rest.calls import Codecs, RestCall
from tasks.serving.rest.paths import parse_path
from tests.support.serving.bundles import target

README = (Path(__file__).parents[2] / "tasks/serving/README.md").read_text("utf-8")


def test_the_settings_are_settings() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    config = parse_config(ServingConfig, parse_yaml(text.encode(), "README.md"))
    assert config.models["cells"].split == {"champion": 950, "candidate": 50}
    assert config.models["scores"].shadow == "next"


def test_the_way_from_a_pipeline_to_answers_names_one_model() -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    (data,) = re.findall(r"PIPELINE=transfer_cells CONF='.*\"data\": \"[^\"]*/(\w+)\"", text)
    (released,) = re.findall(r"PIPELINE=release_model CONF='(.*)'", text)
    (settings,) = re.findall(r"```yaml\n(models:.*?)```", text, re.DOTALL)
    config = parse_config(ServingConfig, parse_yaml(settings.encode(), "README.md"))
    assert config.models["photos"].registry == f"{RegisterConfig().models}-{data}"
    assert json.loads(released)["model"] == config.models["photos"].registry


def test_what_is_asked_can_be_asked() -> None:
    commands = [shlex.split(line) for line in re.findall(r"(?m)^curl .*", README)]
    verbs = []
    for command in commands:
        path = command[-1].removeprefix("http://127.0.0.1:8501")
        puts, asks = "PUT" in command, "-d" in command
        address = parse_path("PUT" if puts else "POST" if asks else "GET", path)
        verbs.append(address.verb)
        if puts:
            assert read_asked(command[command.index("-d") + 1].encode()).candidate is None
        elif asks:
            call = RestCall(address, command[command.index("-d") + 1].encode(), Codecs())
            assert call.question(target(), math.inf).arrays["words"].tolist() == [[1, 2, 3]]
    assert verbs == ["predict", "predict", "classify", "metadata", "release"]
