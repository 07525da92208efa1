"""YAML and JSON from outside mean one thing, or are refused with the place."""

from __future__ import annotations

import json
import math
import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.errors import ConfigError
from tasks.core.outside.documents import (
    MAX_DEPTH,
    MAX_JSON_BYTES,
    MAX_YAML_BYTES,
    check_plain,
    parse_json,
    parse_yaml,
    read_json,
    read_yaml,
)
from tests.support.hostile.refusals import refused

DEEP = MAX_DEPTH + 10


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("010", 10), ("-07", -7), ("0o17", 15), ("0x1F", 31), ("+3", 3), ("1e-3", 1e-3),
        ("1.", 1.0), (".5", 0.5), ("1E3", 1000.0), ("yes", "yes"), ("no", "no"), ("on", "on"),
        ("Off", "Off"), ("true", True), ("False", False), ("~", None), ("", None), ("null", None),
        ("1:30", "1:30"), ("190:20:30", "190:20:30"), ("1_000", "1_000"), ("0b11", "0b11"),
        ("2026-01-01", "2026-01-01"), ("'010'", "010"), ("=", "="), ("NULL", None),
    ],
)  # fmt: skip
def test_words_and_numbers_are_those_of_yaml_1_2(text: str, value: object) -> None:
    read = parse_yaml(f"a: {text}\n".encode(), "x.yaml")["a"]
    assert (read, type(read)) == (value, type(value))


YAML = {
    "a key twice": b"a: 1\nb: 2\na: 3\n",
    "a key twice, below": b"a:\n  b: 1\n  b: 1\n",
    "a key twice, in one line": b"a: {b: 1, b: 2}",
    "a number and a text as one key": b'1: 2\n"1": 3\n',
    "references": b"a: &x [1]\nb: *x\n",
    "a billion laughs": b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n",
    "itself": b"a: &a [*a]",
    "not a number": b"a: .nan",
    "infinity": b"a: -.inf",
    "more than a number can be": b"a: 1e999",
    "thousands of digits": b"a: " + b"9" * 5000,
    "hundreds of digits": b"a: " + b"9" * 500,
    "depth": b"[" * 20_000,
    "depth in blocks": "\n".join(f"{' ' * i}a:" for i in range(DEEP)).encode(),
    "a command": b"a: !!python/object/apply:os.system [id]",
    "an object": b"a: !!python/name:os.system ''",
    "bytes": b"a: !!binary aGVsbG8=",
    "a date": b"a: !!timestamp 2026-01-01",
    "a set": b"a: !!set {b}",
    "pairs": b"a: !!omap [b: 1]",
    "a wrong tag": b"a: !!int x",
    "a wrong truth": b"a: !!bool x",
    "a private tag": b"a: !secret x",
    "no UTF-8": b"a: \xff\xfe\xfa",
    "a byte zero": b"a: \0",
    "half a character": b'a: "\\ud800"',
    "two documents": b"--- 1\n--- 2\n",
    "a list as a key": b"? [1, 2]\n: 3",
    "a tab": b"a:\n\tb: 1",
    "no end": b'a: "b',
    "too much": b"#" * (MAX_YAML_BYTES + 1),
}


@pytest.mark.hostile
@pytest.mark.parametrize("data", YAML.values(), ids=list(YAML))
def test_yaml_that_is_no_settings_is_refused(data: bytes) -> None:
    with refused("x.yaml"):
        parse_yaml(data, "x.yaml")


def test_the_line_is_named() -> None:
    with pytest.raises(ConfigError, match=r"x\.yaml.*line 3: found the key 'a' twice: keep one"):
        parse_yaml(YAML["a key twice"], "x.yaml")


JSON = {
    "a key twice": '{"a": 1, "a": 2}',
    "a key twice, below": '[{"a": {"b": 1, "b": 1}}]',
    "not a number": '{"a": NaN}',
    "infinity": "[-Infinity]",
    "more than a number can be": '{"a": 1e999}',
    "thousands of digits": "9" * 5000,
    "hundreds of digits": "9" * 500,
    "depth": "[" * 100_000,
    "depth that ends": "[" * DEEP + "]" * DEEP,
    "depth of objects": '{"a":' * DEEP + "1" + "}" * DEEP,
    "half a character": '{"a": "\\ud800"}',
    "half a character in a key": '{"\\udfff": 1}',
    "no UTF-8": b'{"a": "\xff"}',
    "no end": '{"a": ',
    "nothing": "",
    "a comma too many": '{"a": 1,}',
    "something after it": "{} {}",
    "single quotes": "{'a': 1}",
    "too much": " " * (MAX_JSON_BYTES + 1),
}


@pytest.mark.hostile
@pytest.mark.parametrize("text", JSON.values(), ids=list(JSON))
def test_json_that_is_no_settings_is_refused(text: str | bytes) -> None:
    with refused("--conf"):
        parse_json(text, "--conf")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**200), 2**200)
    | st.text(st.characters(codec="utf-8")) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab.:", max_size=3), inner),
    max_leaves=10,
)  # fmt: skip


@given(VALUES)
def test_plain_values_come_through_as_they_are(value: object) -> None:
    assert parse_json(json.dumps(value), "x") == value


@given(st.binary(max_size=60))
def test_whatever_bytes_are_read_or_refused(data: bytes) -> None:
    for parse in (parse_yaml, parse_json):
        with suppress(ConfigError):
            check_plain(parse(data, "x"), "x")


@pytest.mark.parametrize("value", [math.nan, math.inf, b"x", {1}, Path("x"), {"a": [math.nan]}])
def test_values_that_json_can_not_carry_are_refused(value: object) -> None:
    with refused("solve.ridge"):
        check_plain(value, "solve.ridge")


@pytest.mark.hostile
@pytest.mark.parametrize("kind", ["none", "folder", "fifo", "endless", "zero"])
def test_what_is_no_file_is_not_read(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "endless":
        path.symlink_to("/dev/zero")
    for read in (read_yaml, read_json):
        with refused("x"):
            read(Path("x\0y") if kind == "zero" else path)


def test_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text('{"a": [1, null]}')
    assert read_yaml(path) == read_json(path) == {"a": [1, None]}
