"""Loading settings: order, names, strictness and messages."""

from __future__ import annotations

import functools
from datetime import date
from pathlib import Path
from typing import Literal

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field
from pydantic.dataclasses import dataclass

from tasks.core.config import SETTINGS, config_json, setting
from tasks.core.errors import ConfigError
from tasks.core.params import (
    NamedPath,
    by_param,
    load_config,
    named_paths,
    param_schemas,
    parse_config,
)
from tests.support.hostile.refusals import refused


@dataclass(frozen=True, config=SETTINGS)
class Blend:
    width_px: int = setting(8, ge=1, le=64, unit="px", help="Blend width.")
    kind: Literal["feather", "bands"] = setting("bands", help="Method.")


@dataclass(frozen=True, config=SETTINGS)
class Solve:
    ridge: float = setting(0.1, gt=0, le=10, help="Weight of the ridge.")
    limit: float | None = setting(None, ge=0, unit="s", help="Time.")
    levels: tuple[int, ...] = setting((1, 2), help="Levels.")
    path: str = setting("", param="path", help="A folder.")
    blend: Blend = Field(default_factory=Blend)


@dataclass(frozen=True, config=SETTINGS)
class Settings:
    seed: int = setting(0, ge=0, help="Seed.")
    solve: Solve = Field(default_factory=Solve)


@pytest.fixture
def yaml_path(tmp_path: Path) -> Path:
    path = tmp_path / "x.yaml"
    path.write_text("seed: 3\nsolve:\n  ridge: 1e-3\n  blend: {width_px: 4}\n")
    return path


def test_params_beat_yaml_beat_defaults(yaml_path: Path) -> None:
    config = load_config(Settings, yaml_path, {"seed": 9, "solve.blend.kind": "feather"})
    assert config.seed == 9
    assert config.solve.ridge == 1e-3  # PyYAML alone reads text here
    assert config.solve.blend == Blend(width_px=4, kind="feather")
    assert config.solve.levels == (1, 2)


def test_params_may_be_flat_nested_or_named() -> None:
    flat = load_config(Settings, params={"solve.ridge": 2.0, "path": "/x"})
    nested = load_config(Settings, params={"solve": {"ridge": 2.0, "path": "/x"}})
    assert flat == nested == Settings(solve=Solve(ridge=2.0, path="/x"))


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("solve.rigde", "solve.ridge"),
        ("sede", "seed"),
        ("solve.blend.width", "solve.blend.width_px"),
    ],
)
def test_unknown_key_names_the_nearest(key: str, nearest: str) -> None:
    with pytest.raises(ConfigError, match=f"unknown setting '{key}'.*did you mean '{nearest}'"):
        load_config(Settings, params={key: 1})


def test_a_setting_leaves_the_others_of_its_section_at_the_defaults_there(tmp_path: Path) -> None:
    @dataclass(frozen=True, config=SETTINGS)
    class Outer:
        blend: Blend = Field(default_factory=lambda: Blend(width_px=32, kind="feather"))

    expected = Outer(blend=Blend(width_px=5, kind="feather"))
    (tmp_path / "x.yaml").write_text("blend: {width_px: 5}")
    assert load_config(Outer, tmp_path / "x.yaml") == expected
    assert load_config(Outer, params={"blend.width_px": 5}) == expected
    assert parse_config(Outer, {"blend": {"width_px": 5}}) == expected


def test_unknown_key_in_yaml_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("solve: {rigde: 1}")
    with pytest.raises(ConfigError, match=r"'solve\.rigde' in .*bad\.yaml.*solve\.ridge"):
        load_config(Settings, path)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"solve.ridge": -1.0}, r"solve\.ridge: .*greater than 0, got -1.0 \(float\)"),
        ({"solve.ridge": "1"}, r"solve\.ridge: .*valid number, got '1' \(str\)"),
        ({"seed": 1.5}, r"seed: .*valid integer, got 1.5"),
        ({"seed": True}, r"seed: .*valid integer, got True"),
        ({"path": 7}, r"path: .*valid string, got 7"),
        ({"solve.blend.kind": "x"}, r"solve\.blend\.kind: .*'feather' or 'bands', got 'x'"),
        ({"solve.ridge": float("nan")}, r"solve\.ridge: "),
    ],
)
def test_wrong_value_names_field_expectation_and_value(params: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(Settings, params=params)


@pytest.mark.parametrize("text", ["[1, 2]", "a: [", "7"])
def test_broken_yaml_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"broken\.yaml"):
        load_config(Settings, path)


def test_missing_yaml_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't read the settings"):
        load_config(Settings, tmp_path / "none.yaml")


def test_schemas_are_json_schema_with_help(yaml_path: Path) -> None:
    schemas = param_schemas(Settings, yaml_path)
    assert list(schemas) == [
        *("seed", "solve.ridge", "solve.limit", "solve.levels", "path"),
        *("solve.blend.width_px", "solve.blend.kind"),
    ]
    assert schemas["solve.blend.width_px"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 64,
        "default": 4,
        "title": "Width Px",
        "description": "Blend width.",
        "unit": "px",
        "place": ("solve", "blend", "width_px"),
    }
    assert schemas["solve.ridge"]["default"] == 1e-3
    assert schemas["solve.limit"]["type"] == ["number", "null"]
    assert schemas["solve.blend.kind"]["enum"] == ["feather", "bands"]
    assert schemas["path"]["type"] == ["string", "null"]
    assert "$ref" not in str(schemas)


@dataclass(frozen=True, config=SETTINGS)
class Needy:
    source: str = setting("", param="source", needed=True, help="A folder.")
    seed: int = setting(0, ge=0, help="Seed.")


@pytest.mark.parametrize("params", [{}, {"source": None}, {"source": ""}, {"seed": 3}])
def test_a_run_names_what_it_needs(params: dict) -> None:
    with pytest.raises(ConfigError, match=r"needs a value for source \(A folder\.\)"):
        load_config(Needy, params=params)


def test_what_a_run_needs_may_stand_in_yaml(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("source: /data")
    assert load_config(Needy, tmp_path / "x.yaml", {"seed": 3}) == Needy(source="/data", seed=3)
    assert param_schemas(Needy, tmp_path / "x.yaml")["source"]["default"] == "/data"
    schema = param_schemas(Needy)["source"]
    assert (schema["default"], schema["type"], schema["minLength"]) == (None, "string", 1)


def test_what_a_form_sends_back_round_trips(yaml_path: Path) -> None:
    schemas = param_schemas(Settings, yaml_path)
    shown = {name: schema["default"] for name, schema in schemas.items()}
    for name, schema in schemas.items():
        assert shown[name] != "", "a form flags an empty text as missing"
        jsonschema.validate(shown[name], schema)
    assert load_config(Settings, yaml_path, shown) == load_config(Settings, yaml_path)


@given(
    st.builds(
        Settings,
        seed=st.integers(0, 2**63),
        solve=st.builds(
            Solve,
            ridge=st.floats(1e-9, 10),
            limit=st.none() | st.floats(0, 1e9),
            levels=st.lists(st.integers()).map(tuple),
            path=st.text(st.characters(codec="utf-8")),
            blend=st.builds(Blend, width_px=st.integers(1, 64)),
        ),
    )
)
def test_settings_round_trip_through_json(config: Settings) -> None:
    assert parse_config(Settings, config_json(config)) == config
    assert load_config(Settings, params=config_json(config)) == config


HOSTILE = {
    "not a number": ({"solve.ridge": float("nan")}, "solve.ridge"),
    "infinity": ({"solve": {"ridge": float("inf")}}, "solve.ridge"),
    "no end of a number": ({"seed": 10**5000}, "seed"),
    "half a character": ({"path": "/data/\ud800"}, "path"),
    "depth": ({"path": functools.reduce(lambda inner, _: [inner], range(5000), [])}, "path"),
    "a megabyte": ({"seed": "x" * 1_000_000}, "seed"),
    "a megabyte of a name": ({"x" * 1_000_000: 1}, "unknown setting"),
    "a name with a new line": ({"seed\nORRERY_RESULT []": 1}, r"'seed\nORRERY_RESULT []'"),
    "no name": ({"": 1}, "unknown setting ''"),
    "dots": ({"..": 1}, "unknown setting '..'"),
    "a section's section": ({"solve.solve.ridge": 1.0}, "solve.solve.ridge"),
    "a section that is a list": ({"solve": [1]}, "unknown setting 'solve'"),
    "a text that is a section": ({"path": {"a": 1}}, "path"),
    "a truth for a number": ({"solve.ridge": True}, "solve.ridge"),
    "a number as text": ({"seed": "7"}, "seed"),
    "a fraction": ({"seed": 1.5}, "seed"),
    "a date": ({"path": date(2026, 1, 1)}, "path"),
    "bytes": ({"path": b"/data"}, "path"),
    "a thousand wrong ones": ({"solve.levels": ["x"] * 1000}, "solve.levels"),
    "Python's insides": ({"__class__": 1, "solve.__init__": 1}, "__class__"),
}


@pytest.mark.hostile
@pytest.mark.parametrize(("params", "named"), HOSTILE.values(), ids=list(HOSTILE))
def test_params_that_are_no_settings_are_refused(params: dict, named: str) -> None:
    with refused(named):
        load_config(Settings, params=params)


@pytest.mark.hostile
@pytest.mark.parametrize(
    "text",
    [
        "seed: 1\nseed: 2",
        "solve: {ridge: 1.0, ridge: 2.0}",
        "solve: {ridge: 1.0}\nsolve.ridge: 2.0",
        "path: /a\nsolve: {path: /b}",
        "solve: {blend: {width_px: 010, width_px: 8}}",
        "solve:\n  blend.width_px: 8\n  blend: {width_px: 8}",
        "<<: {seed: 1}",
        "seed: yes",
        "solve: {limit: 1:30}",
        "path: 010",
    ],
)
def test_files_of_settings_that_mean_two_things_are_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with refused():
        load_config(Settings, path)


def test_of_a_form_s_default_and_a_nested_value_the_latter_counts() -> None:
    """Airflow hands on all params that a form shows, and what was given by another name."""
    config = load_config(Settings, params={"solve.ridge": 0.1, "solve": {"ridge": 2.0}})
    assert config.solve.ridge == 2.0


def test_params_go_by_their_own_names() -> None:
    assert by_param(Settings, {"solve": {"path": "/x"}, "seed": 3}) == {"path": "/x", "seed": 3}


def test_paths_are_listed_with_what_is_done_with_them() -> None:
    @dataclass(frozen=True, config=SETTINGS)
    class Places:
        source: str = setting("", param="source", path="read", help="Folder.")
        target: str = setting("", path="write", stores=True, help="Folder.")
        several: tuple[str, ...] = setting((), path="read", help="Folders.")
        cells: str = setting("", path="read or name", help="Name, or file.")
        other: str = setting("x", help="Text.")

    given = Places("/a", "/b", ("/c", "/d"), "./e")
    assert list(named_paths(given)) == [
        NamedPath("source", "read", "/a", may_be_stored=False),
        NamedPath("target", "write", "/b", may_be_stored=True),
        NamedPath("several", "read", "/c", may_be_stored=False),
        NamedPath("several", "read", "/d", may_be_stored=False),
        NamedPath("cells", "read", "./e", may_be_stored=False),
    ]
    assert next(iter(named_paths(Places(target="/b"), "publish"))).param == "publish.target"
    for name in ("nasnet_a", "NASNet-A"):
        assert list(named_paths(Places(cells=name))) == []
    (of_part,) = named_paths(Places(cells="/e/cells.py:DARTS_V2"))
    assert of_part.place == "/e/cells.py", "what is read is what is checked, links and all"
