"""Assets of registered models: a stage that registers emits one event a model.

Which models there are is known once the stage has ended, so that it declares an alias; DAGs may
listen to the alias, or to the asset of one model.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import Asset, AssetAlias, Context

REGISTERED_MODELS = AssetAlias(name="registered_models", group="orrery")


def model_asset(name: str) -> Asset:
    """Return a model's asset; its event's extra has ``name``, ``version`` and ``is_champion``."""
    return Asset(name=f"model {name}", uri=f"orrery://models/{name}", group="orrery")


def params_of(context: Context) -> dict[str, Any]:
    """Params of a DAG run; one that a registered model started is told which, the newest version.

    Args:
        context: Of the running task, as Airflow gives it.
    """
    params = dict(context["params"])
    events = context.get("triggering_asset_events") or {}
    told = [each.extra for model in events.values() for each in model if "version" in each.extra]
    if told:
        newest = max(told, key=lambda each: int(each["version"]))
        params |= {"model": newest["name"], "version": str(newest["version"])}
    return params
