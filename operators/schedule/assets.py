"""Assets of registered models: a stage that registers emits one event a model.

Which models there are is known once the stage has ended, so that it declares an alias; DAGs may
listen to the alias, or to the asset of one model.
"""

from __future__ import annotations

from airflow.sdk import Asset, AssetAlias

REGISTERED_MODELS = AssetAlias(name="registered_models", group="orrery")


def model_asset(name: str) -> Asset:
    """Return a model's asset; its event's extra has ``name``, ``version`` and ``is_champion``."""
    return Asset(name=f"model {name}", uri=f"orrery://models/{name}", group="orrery")
