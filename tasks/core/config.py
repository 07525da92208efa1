"""Settings: frozen pydantic dataclasses, validated strictly, loaded by `tasks.core.params`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter

# Greatest whole number that every reader of JSON keeps exactly, a browser's form too.
MAX_WHOLE = 2**53 - 1
SETTINGS = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def setting(
    default: Any,
    *,
    help: str,  # noqa: A002
    unit: str = "",
    param: str = "",
    label: str = "",
    needed: bool = False,
    path: Literal["", "read", "write", "read or name"] = "",
    stores: bool = False,
    **bounds: Any,
) -> Any:
    """Declare one setting of a section.

    Args:
        default: Value where neither YAML nor params name one.
        help: One sentence for the trigger form, which adds the range.
        unit: Unit of the value, shown with the range.
        param: Its name in the run's params, and ``section.field`` if empty; a name puts it on top.
        label: What the form calls it; made of its name if empty.
        needed: Whether a run is refused that leaves it empty.
        path: What is done with the path that it names, which the profile must allow; of one that
            may be a name, a colon and a part of the file may stand behind (``FILE:PART``).
        stores: Whether that may be an object store's URI too.
        **bounds: Bounds as `pydantic.Field` takes them (``ge``, ``le``, ``pattern``, …).
    """
    own = {"unit": unit, "param": param, "label": label, "needed": needed}
    own |= {"path": path, "stores": stores}
    extra: dict[str, Any] = {name: value for name, value in own.items() if value}
    return Field(default, description=help, json_schema_extra=extra or None, **bounds)


def config_json(config: Any) -> Any:
    """Return settings as plain JSON values, every default filled in."""
    return TypeAdapter(type(config)).dump_python(config, mode="json")
