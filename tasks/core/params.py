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
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from tasks.core.config import config_json
from tasks.core.errors import ConfigError
from tasks.core.files import split_part
from tasks.core.outside.documents import check_plain, read_yaml
from tasks.core.outside.roots import quoted

ModelT = TypeVar("ModelT")
_Path = tuple[str, ...]
_NAME = re.compile(r"[\w-]+")
_MAX_COMPARED, _MAX_PROBLEMS = 80, 5


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
    given |= _from_file(yaml_path, fields) if yaml_path else {}
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
    check_plain(value, "the settings")
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


def by_param(model: type[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Key settings by their params' names, whether they came flat, nested or by another name.

    Raises:
        ConfigError: A key is unknown.
    """
    fields = _fields(model)
    found = _by_path(given, fields, "the params")
    return {_param(path, fields[path]): value for path, value in found.items()}


@dataclass(frozen=True)
class NamedPath:
    """A path that a setting names.

    Attributes:
        param: The setting's param.
        use: What is done with the path.
        place: The path, or a store's URI.
        may_be_stored: Whether it may be a URI.
    """

    param: str
    use: Literal["read", "write"]
    place: str
    may_be_stored: bool


def named_paths(config: Any, section: str = "") -> Iterator[NamedPath]:
    """List the paths that settings name.

    Args:
        config: The settings, or one section of them.
        section: Name of that section.

    Yields:
        Those that are given.
    """
    for path, field in _fields(type(config)).items():
        use = str(field.get("path", ""))
        value = reduce(getattr, path, config) if use else ()
        for place in map(str, value if isinstance(value, list | tuple) else [value]):
            if use.endswith("or name"):
                place = "" if _NAME.fullmatch(place) else split_part(place)[0]
            if place:
                param = _param((section, *path) if section else path, field)
                kind: Literal["read", "write"] = "write" if use == "write" else "read"
                yield NamedPath(param, kind, place, bool(field.get("stores")))


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


def _from_file(file: Path, fields: Mapping[_Path, dict[str, Any]]) -> dict[_Path, Any]:
    """Settings of a YAML file by path; one that stands there in two forms is an error."""
    value = read_yaml(file)
    if value is not None and not isinstance(value, dict):
        raise ConfigError(f"{file}: expected sections and settings, got {type(value).__name__}")
    found: dict[_Path, Any] = {}
    for path, each in _walk(value or {}, fields, str(file)):
        if path in found:
            raise ConfigError(f"{file}: {'.'.join(path)} stands there twice: keep one")
        found[path] = each
    return found


def _by_path(
    given: Mapping[str, Any], fields: Mapping[_Path, dict[str, Any]], where: str
) -> dict[_Path, Any]:
    """Settings by path; of one that is given twice the last counts: a form sends its default."""
    return dict(_walk(given, fields, where))


def _walk(
    given: Mapping[str, Any], fields: Mapping[_Path, dict[str, Any]], where: str
) -> Iterator[tuple[_Path, Any]]:
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
                yield names[name], check_plain(value, _param(names[name], fields[names[name]]))
            elif is_section and value is None:
                continue
            else:
                raise ConfigError(f"unknown setting {quoted(name)} in {where}{near(name, names)}")

    yield from walk(given, ())


def near(name: str, valid: Mapping[str, Any]) -> str:
    """End of a message on an unknown name: the valid one most like it, or all of them."""
    close = difflib.get_close_matches(name[:_MAX_COMPARED], valid, n=1, cutoff=0.4)
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
        return TypeAdapter(model).validate_json(json.dumps(value))
    except ValidationError as error:
        found = error.errors(include_url=False)
        problems = [_problem(each, fields) for each in found[:_MAX_PROBLEMS]]
        more = f"; {len(found) - len(problems)} more" if len(found) > len(problems) else ""
        raise ConfigError("; ".join(problems) + more) from error


def _problem(error: Any, fields: Mapping[_Path, Any]) -> str:
    path = tuple(str(part) for part in error["loc"])
    name = _param(path, fields[path]) if path in fields else ".".join(path) or "the settings"
    given = (
        quoted(error["input"]) if isinstance(error["input"], str) else f"{error['input']!r:.100}"
    )
    return f"{name[:_MAX_COMPARED]}: {error['msg']}, got {given} ({type(error['input']).__name__})"
