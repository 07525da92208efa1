"""Settings: frozen pydantic dataclasses, validated strictly.

How they are loaded from defaults, YAML and params is `tasks.core.params`'.
"""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field, TypeAdapter

SETTINGS = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def setting(default: Any, *, help: str, unit: str = "", param: str = "", **bounds: Any) -> Any:  # noqa: A002
    """Declare one setting of a section.

    Args:
        default: Value where neither YAML nor params name one.
        help: One sentence for the trigger form.
        unit: Unit of the value, shown with the help.
        param: Name under which the run's params carry it; ``section.field`` if empty.
        **bounds: Bounds as `pydantic.Field` takes them (``ge``, ``le``, ``pattern``, …).
    """
    extra: dict[str, Any] = {k: v for k, v in (("unit", unit), ("param", param)) if v}
    return Field(default, description=help, json_schema_extra=extra or None, **bounds)


def config_json(config: Any) -> Any:
    """Return settings as plain JSON values, every default filled in."""
    return TypeAdapter(type(config)).dump_python(config, mode="json")
