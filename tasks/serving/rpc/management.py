"""Status and change of settings over gRPC (`ModelService`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from tasks.serving.config import ModelConfig, Policy, ServingConfig
from tasks.serving.rpc.messages import MESSAGES, parse
from tasks.serving.types import Code, RequestError, VersionStatus


def write_status(versions: Iterable[VersionStatus]) -> bytes:
    """Write a ``GetModelStatusResponse``."""
    told = MESSAGES["GetModelStatusResponse"]()
    for each in versions:
        one = told.model_version_status.add(version=each.version, state=int(each.state))
        one.status.error_code, one.status.error_message = int(each.code), each.message
        one.status.SetInParent()
    return told.SerializeToString()  # type: ignore[no-any-return]


def read_reload(raw: bytes, now: ServingConfig) -> ServingConfig:
    """Settings that a ``ReloadConfigRequest`` asks for.

    It names all models that are to be served, with folder, policy and labels; what else they have
    been set to stays.

    Raises:
        RequestError: INVALID_ARGUMENT, it lists none, or one is named twice, has no folder, or odd
            settings.
    """
    message = parse("ReloadConfigRequest", raw)
    if not message.config.HasField("model_config_list"):
        raise _invalid("expected a model_config_list: models with name and base_path")
    models: dict[str, ModelConfig] = {}
    for each in message.config.model_config_list.config:
        if each.name in models:
            raise _invalid(f"Illegal to list model {each.name[:100]} multiple times in config list")
        models[each.name] = _model(each, now.models.get(each.name))
    try:
        return replace(now, models=models)
    except ValidationError as error:
        raise _odd("model_config_list", error) from error


def write_reloaded() -> bytes:
    """Write a ``ReloadConfigResponse`` of a change that was made."""
    told = MESSAGES["ReloadConfigResponse"]()
    told.status.error_code = int(Code.OK)
    told.status.SetInParent()
    return told.SerializeToString()  # type: ignore[no-any-return]


def _model(given: Any, now: ModelConfig | None) -> ModelConfig:
    changes: dict[str, Any] = {"labels": dict(given.version_labels)}
    try:
        changes["policy"] = _policy(given.model_version_policy)
        if now is None:
            return ModelConfig(folder=given.base_path, **changes)
        if given.base_path:
            changes |= {"folder": given.base_path, "registry": ""}
        return replace(now, **changes)
    except ValidationError as error:
        raise _odd(f"model {given.name[:100]!r}", error) from error


def _policy(given: Any) -> Policy:
    if given.HasField("latest"):
        return Policy(latest=given.latest.num_versions or 1)
    return Policy(all=given.HasField("all"), specific=tuple(given.specific.versions))


def _odd(where: str, error: ValidationError) -> RequestError:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return _invalid(f"{where}: {place}{': ' if place else ''}{first['msg'][:300]}")


def _invalid(message: str) -> RequestError:
    return RequestError(Code.INVALID_ARGUMENT, message)
