"""Settings from YAML and params, and the params of a pipeline as a form.

Order: default in code, then ``configs/<pipeline>.yaml``, then the params of the run. All of
them meet in one JSON document that pydantic validates strictly, so that a setting has one
type wherever it comes from.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from tasks.core.config import config_json
from tasks.core.errors import ConfigError

ModelT = TypeVar("ModelT")
_Path = tuple[str, ...]


def load_config(
    model: type[ModelT], yaml_path: Path | None = None, params: Mapping[str, Any] | None = None
) -> ModelT:
    """Build the settings of a pipeline.

    Args:
        model: The pipeline's settings class.
        yaml_path: ``configs/<pipeline>.yaml``; None where defaults alone count.
        params: The run's params: ``section.field`` or the setting's own param name -> value;
            nested mappings are accepted too. A None for a setting that can't be None means
            "not given", which is what an empty field of a form sends. None instead of params
            asks for no more than the defaults.

    Raises:
        ConfigError: A key is unknown, a value is of the wrong type or out of range, or one that
            a run needs is not given.
    """
    fields = _fields(model)
    given = _defaults(model, fields)
    given |= _by_path(_read_yaml(yaml_path), fields, str(yaml_path)) if yaml_path else {}
    for path, value in _by_path(params or {}, fields, "the params").items():
        if value is not None or "null" in _types(fields[path]):
            given[path] = value
    config = _validate(model, _nested(given), fields)
    if params is not None:
        _require(given, fields)
    return config


def parse_config(model: type[ModelT], value: Any) -> ModelT:
    """Build settings, or one section of them, from plain JSON values.

    Raises:
        ConfigError: A key is unknown, or a value is of the wrong type or out of range.
    """
    fields = _fields(model)
    if isinstance(value, Mapping):
        value = _nested(_defaults(model, fields) | _by_path(value, fields, "the settings"))
    return _validate(model, value, fields)


def param_schemas(model: type[Any], yaml_path: Path | None = None) -> dict[str, dict[str, Any]]:
    """Describe each setting as JSON schema, keyed by param name, in declared order.

    Args:
        model: The pipeline's settings class; every setting has a default.
        yaml_path: ``configs/<pipeline>.yaml``: its values are the defaults that are shown,
            since a form sends back every value that it shows.

    Returns:
        For each param: type, bounds, ``enum``, ``default``, ``description``, its ``place``
        in the sections, and what `tasks.core.config.setting` declares beside: ``unit``, ``label``,
        ``param``, ``needed``. A text whose default is empty is null by default, and may be null
        unless it is needed: a form flags an empty text as missing.
    """
    defaults = config_json(load_config(model, yaml_path))
    schemas = {}
    for path, field in _fields(model).items():
        default = defaults
        for part in path:
            default = default[part]
        schema = field | {"default": default, "place": path}
        if default == "" and field.get("type") == "string":
            kind = {"minLength": 1} if field.get("needed") else {"type": ["string", "null"]}
            schema |= {"default": None, **kind}
        schemas[_param(path, field)] = schema
    return schemas


def _require(given: Mapping[_Path, Any], fields: Mapping[_Path, Mapping[str, Any]]) -> None:
    missing = [path for path, field in fields.items() if field.get("needed") and not given[path]]
    if missing:
        told = [f"{_param(path, fields[path])} ({fields[path]['description']})" for path in missing]
        raise ConfigError(f"this pipeline needs a value for {', '.join(told)}; nothing was given")


def _defaults(model: type[Any], fields: Mapping[_Path, Any]) -> dict[_Path, Any]:
    """Default of each setting by its path; none where one is required.

    A section may give one below it other defaults than that one's class has, which would be lost
    if only some of its settings were given.
    """
    try:
        defaults = TypeAdapter(model).validate_json("{}")
    except ValidationError:
        return {}
    return _by_path(config_json(defaults), fields, "the defaults")


def _fields(model: type[Any]) -> dict[_Path, dict[str, Any]]:
    """JSON schema of each setting, by its path through the sections."""
    schema = TypeAdapter(model).json_schema()
    definitions = schema.get("$defs", {})

    def resolve(node: Any) -> Any:
        if isinstance(node, list):
            return [resolve(each) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            target = definitions[node["$ref"].rsplit("/", 1)[-1]]
            node = target | {k: v for k, v in node.items() if k != "$ref"}
        return _nullable({k: resolve(v) for k, v in node.items()})

    def walk(node: dict[str, Any], path: _Path) -> Iterator[tuple[_Path, dict[str, Any]]]:
        for name, field in node["properties"].items():
            if "properties" in field:
                yield from walk(field, (*path, name))
            else:
                yield (*path, name), field

    return dict(walk(resolve(schema), ()))


def _nullable(node: dict[str, Any]) -> dict[str, Any]:
    """Write ``anyOf: [X, null]`` as ``type: [X's, null]``, which forms understand."""
    choices = node.get("anyOf")
    if not isinstance(choices, list) or {"type": "null"} not in choices or len(choices) != 2:
        return node
    inner = next(choice for choice in choices if choice != {"type": "null"})
    if not isinstance(inner.get("type"), str):
        return node
    outer = {k: v for k, v in node.items() if k != "anyOf"}
    merged: dict[str, Any] = outer | inner | {"type": [inner["type"], "null"]}
    if "enum" in inner:
        merged["enum"] = [*inner["enum"], None]
    return merged


def _types(field: Mapping[str, Any]) -> tuple[str, ...]:
    if "anyOf" in field:
        return tuple(each for choice in field["anyOf"] for each in _types(choice))
    kind = field.get("type", ())
    return (kind,) if isinstance(kind, str) else tuple(kind)


def _param(path: _Path, field: Mapping[str, Any]) -> str:
    return str(field.get("param") or ".".join(path))


def _read_yaml(path: Path) -> Mapping[str, Any]:
    try:
        value = yaml.load(path.read_text("utf-8"), _Loader)  # noqa: S506  (a SafeLoader)
    except OSError as error:
        raise ConfigError(f"can't read the settings {path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from error
    if value is not None and not isinstance(value, dict):
        raise ConfigError(f"{path}: expected sections and settings, got {type(value).__name__}")
    return value or {}


class _Loader(yaml.SafeLoader):
    """YAML 1.2 numbers: PyYAML follows 1.1 and reads ``1e-3`` as text."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"),
    list("-+.0123456789"),
)


def _by_path(
    given: Mapping[str, Any], fields: Mapping[_Path, dict[str, Any]], where: str
) -> dict[_Path, Any]:
    """Key settings by path, whether they came flat, nested or under a param's name."""
    names = {".".join(path): path for path in fields}
    names |= {_param(path, field): path for path, field in fields.items()}
    sections = {path[:depth] for path in fields for depth in range(1, len(path))}

    def walk(node: Mapping[str, Any], prefix: _Path) -> Iterator[tuple[_Path, Any]]:
        for key, value in node.items():
            name = ".".join((*prefix, str(key)))
            is_section = tuple(name.split(".")) in sections
            if is_section and isinstance(value, Mapping):  # a setting may bear its section's name
                yield from walk(value, tuple(name.split(".")))
            elif name in names:
                yield names[name], value
            elif is_section and value is None:
                continue
            else:
                raise ConfigError(f"unknown setting {name!r} in {where}{_near(name, names)}")

    return dict(walk(given, ()))


def _near(name: str, valid: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(name, valid, n=1, cutoff=0.4)
    return f"; did you mean {close[0]!r}?" if close else f"; valid are: {', '.join(valid)}"


def _nested(by_path: Mapping[_Path, Any]) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for path, value in by_path.items():
        node = root
        for part in path[:-1]:
            node = node.setdefault(part, {})
        node[path[-1]] = value
    return root


def _validate(model: type[ModelT], value: Any, fields: Mapping[_Path, Any]) -> ModelT:
    try:
        return TypeAdapter(model).validate_json(json.dumps(value, default=str))
    except ValidationError as error:
        problems = [_problem(each, fields) for each in error.errors(include_url=False)]
        raise ConfigError("; ".join(problems)) from error


def _problem(error: Any, fields: Mapping[_Path, Any]) -> str:
    path = tuple(str(part) for part in error["loc"])
    name = _param(path, fields[path]) if path in fields else ".".join(path) or "the settings"
    return f"{name}: {error['msg']}, got {error['input']!r} ({type(error['input']).__name__})"
