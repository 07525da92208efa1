"""YAML and JSON from outside, read so that a document means one thing or is refused.

Numbers and words are those of YAML 1.2 (https://yaml.org/spec/1.2.2, section 10.3, the core
schema): ``010`` is ten, ``yes`` is a text, ``1:30`` too, ``1e-3`` is a number. PyYAML follows 1.1,
where they are 8, true, 90 and a text. A key that stands twice is an error in both formats, and so
is what JSON can't carry: NaN, infinity, dates, bytes.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tasks.core.errors import ConfigError, DataError
from tasks.core.files import read_bytes
from tasks.core.outside.roots import quoted

MAX_YAML_BYTES = 100_000  # a second's work for PyYAML
MAX_JSON_BYTES = 16_000_000
MAX_DEPTH = 50
_MAX_BITS = 1024
_NO_TEXT = re.compile(r"[\ud800-\udfff]")  # halves of characters, which no file can hold
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_NULL = re.compile(r"~|null|Null|NULL|")
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_BASES = {"0o": 8, "0x": 16}


def read_yaml(path: Path) -> Any:
    """Read a YAML file of settings.

    Returns:
        Plain JSON values; None of an empty file.

    Raises:
        ConfigError: It can't be read, is too large or not plain YAML; names the line.
    """
    return parse_yaml(_read(path, MAX_YAML_BYTES), str(path))


def parse_yaml(data: bytes, where: str) -> Any:
    """Parse a YAML document; see `read_yaml`."""
    _check_size(len(data), MAX_YAML_BYTES, where)
    try:
        return check_plain(yaml.load(data, _Loader), where)  # noqa: S506  (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{where} is not valid YAML{line}: {error.problem}") from error
    except RecursionError as error:
        raise _too_deep(where) from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{where} is not valid YAML: {error}") from error
    # Of a number with thousands of digits, and of a value that is not what its tag says.
    except (ValueError, LookupError) as error:
        raise ConfigError(
            f"{where} is not valid YAML: a value can't be read ({error}); write it plainly"
        ) from error


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        ConfigError: It can't be read, is too large or not plain JSON; names the line.
    """
    return parse_json(_read(path, MAX_JSON_BYTES), str(path))


def parse_json(text: str | bytes, where: str) -> Any:
    """Parse a JSON document; see `read_json`.

    Args:
        text: The document.
        where: Its file, or the argument that holds it, for messages.
    """
    _check_size(len(text), MAX_JSON_BYTES, where)
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise _too_deep(where) from error
    except ValueError as error:
        raise ConfigError(f"{where} is not JSON: {error}; correct it there") from error
    return check_plain(value, where)


def check_plain(value: Any, where: str) -> Any:
    """Return a value if JSON can carry it.

    Raises:
        ConfigError: It is, or holds, something else, or is nested too deeply; names the place.
    """
    pending = [(value, where, 0)]
    while pending:
        each, place, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise _too_deep(where)
        if isinstance(each, dict | list | tuple):
            pending += [(inner, f"{place}{name}", depth + 1) for inner, name in _inner(each)]
        elif problem := _problem(each):
            raise ConfigError(f"{place}: {problem}")
    return value


class _Loader(yaml.SafeLoader):
    """PyYAML with the words of YAML 1.2, without repeated keys and references."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML's own name and kind)

    yaml_constructors = {  # noqa: RUF012
        tag: build
        for tag, build in yaml.SafeLoader.yaml_constructors.items()
        if tag is None or tag.rpartition(":")[2] in ("null", "bool", "str", "seq", "map")
    }

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(
                None, None, "found a reference (*name): write what it stands for", mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            name = str(key.value)
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"found the key {quoted(name)} twice: keep one", key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep)

    def flatten_mapping(self, node: Any) -> None:
        """Leave ``<<`` alone: YAML 1.2 knows no merging."""


def _whole_number(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node))
    return int(text[2:], _BASES[text[:2]]) if text[:2] in _BASES else int(text)


def _number(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> float:
    return float(str(loader.construct_scalar(node)).replace(".inf", "inf").replace(".nan", "nan"))


for _tag, _pattern in (("bool", _BOOL), ("null", _NULL), ("int", _INT), ("float", _FLOAT)):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern.pattern})\Z"), None
    )
_Loader.add_constructor("tag:yaml.org,2002:int", _whole_number)
_Loader.add_constructor("tag:yaml.org,2002:float", _number)


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        return read_bytes(path, max_bytes, "a document")
    except DataError as error:
        raise ConfigError(f"can't read the settings {error}") from error


def _check_size(size: int, max_size: int, where: str) -> None:
    if size > max_size:
        raise ConfigError(f"{where}: expected at most {max_size:,} bytes; it is no such document")


def _too_deep(where: str) -> ConfigError:
    return ConfigError(f"{where} is nested more than {MAX_DEPTH} levels deep: it is no settings")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {quoted(key)} stands there twice: keep one")
        found[key] = value
    return found


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _inner(value: Any) -> Iterator[tuple[Any, str]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield str(key), f", key {quoted(str(key))}"
            yield each, f", {quoted(str(key))}"
    else:
        yield from ((each, "") for each in value)


def _problem(value: Any) -> str:
    """What is wrong with a single value; empty if nothing is."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"expected a finite number, got {value}"
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        return f"expected a number of at most {_MAX_BITS} bits, got one of {value.bit_length()}"
    if isinstance(value, str) and (found := _NO_TEXT.search(value)):
        return f"expected plain text, got {found[0]!r} in {quoted(value)}"
    if value is not None and not isinstance(value, bool | int | float | str):
        return (
            f"expected text, number, list or section, got {type(value).__name__}; put it in quotes"
        )
    return ""
