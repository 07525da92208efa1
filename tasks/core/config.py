"""Settings: frozen pydantic dataclasses, loaded strictly from defaults, YAML and params.

Order: default in code, then ``configs/<pipeline>.yaml``, then the params of the run.
"""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field

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
    extra = {key: value for key, value in (("unit", unit), ("param", param)) if value}
    return Field(default, description=help, json_schema_extra=extra or None, **bounds)
