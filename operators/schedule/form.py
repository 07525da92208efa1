"""The settings of a pipeline as Airflow's trigger form.

What decides in Airflow 3.3: fields without a ``section`` stand in the one that is open at first;
a field whose type excludes null is marked as required, and while it is empty the form can't be
sent; a number is brought back into ``minimum`` to ``maximum`` when one leaves its field. What
the form can't hold (steps, patterns, open bounds) the API refuses by the param's name.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow.sdk import Param

from tasks.core.config import setting
from tasks.core.params import param_schemas

# What a schema holds beside JSON Schema's own rules: what `setting` declares, and its place.
_OWN = {*inspect.signature(setting).parameters, "description", "place", "title"}
_WORDS = {"num": "number of", "min": "minimum", "max": "maximum"}
_LONG_NUMBER = 100_000


def form(config: type[Any], yaml_path: Path | None, given: Mapping[str, Any]) -> dict[str, Param]:
    """Return the params of a pipeline: needed ones first, then named ones, the rest by section.

    Defaults are those that a schedule has given, then those of ``configs/<pipeline>.yaml``.
    """
    schemas = param_schemas(config, yaml_path)
    params = {}
    for name in sorted(schemas, key=lambda name: _place(schemas[name])):
        schema = schemas[name]
        rules = {key: value for key, value in schema.items() if key not in _OWN}
        for closed, is_open in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            if is_open in rules:  # the form knows closed bounds only
                rules.setdefault(closed, rules[is_open])
        if not schema.get("needed") and isinstance(rules.get("type"), str):
            rules["type"] = [rules["type"], "null"]  # an emptied field means the default
        if not _is_open(schema):
            rules["section"] = section(schema["place"])
        params[name] = Param(
            given.get(name, schema["default"]),
            description=help_text(schema),
            title=schema.get("label") or label(name, schema.get("unit", "")),
            **rules,
        )
    return params


def section(path: tuple[str, ...]) -> str:
    """Return the heading under which a setting that is not at the top stands."""
    parts = path[:-1] or ("general",)
    return " · ".join(["Advanced", *(part.replace("_", " ") for part in parts)])


def label(name: str, unit: str) -> str:
    """Return what people call a setting: ``solve.max_iterations`` -> ``Maximum iterations``.

    Its unit is left out, since the help tells it.
    """
    words = name.rpartition(".")[2].split("_")
    if len(words) > 1 and words[-1] == unit.lower():
        words = words[:-1]
    text = " ".join([_WORDS.get(words[0], words[0]), *words[1:]])
    return text[:1].upper() + text[1:]


def help_text(schema: Mapping[str, Any]) -> str:
    """Return a setting's sentence and behind it the range, such as ``64 to 16384 px``."""
    unit = f" {schema['unit']}" if "unit" in schema else ""
    low, high = _number(schema.get("minimum")), _number(schema.get("maximum"))
    above, below = _number(schema.get("exclusiveMinimum")), _number(schema.get("exclusiveMaximum"))
    if low and high:
        told = f"{low} to {high}{unit}"
    else:
        bounds = (("at least", low), ("more than", above), ("at most", high), ("less than", below))
        told = ", ".join(f"{words} {bound}" for words, bound in bounds if bound)
        told = f"{told}{unit}" if told else f"in{unit}" if unit else ""
    if "multipleOf" in schema:
        told += f", in steps of {_number(schema['multipleOf'])}"
    sentence = str(schema.get("description", ""))
    return f"{sentence} {told[:1].upper()}{told[1:]}." if told else sentence


def _is_open(schema: Mapping[str, Any]) -> bool:
    return bool(schema.get("needed") or schema.get("param"))


def _place(schema: Mapping[str, Any]) -> tuple[bool, bool]:
    """Order of a setting in the form; those of one place stay as they are declared."""
    return not schema.get("needed"), not _is_open(schema)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= _LONG_NUMBER else f"{value:g}"
