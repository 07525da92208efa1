"""What a release says to the server, over the server's own HTTP interface."""

from __future__ import annotations

import json
import time
from typing import Any, Final

from tasks.core.errors import ConfigError, ResourceError, TransientError
from tasks.core.models import ModelServer, ServerAnswer
from tasks.serving.oip.infer import HEADER, read_answer, write_request
from tasks.serving.release.counts import Counted
from tasks.serving.release.record import Asked, Release
from tasks.serving.types import Arrays, State

_OK, _REFUSED, _SERVERS_FAULT = 200, (401, 403), (429, 502, 503, 504)
_POLL_S: Final = 0.2
_MAX_SHOWN: Final = 500


def served_name(server: ModelServer, model: str, given: str) -> str:
    """Name under which a server has a registered model.

    Args:
        server: The server.
        model: Name in the registry.
        given: The name, if settings say it; empty if they don't.

    Raises:
        ConfigError: The server has none of this name or of this registered model, or several.
    """
    answer = server.ask("GET", "/v1/config")
    models: dict[str, Any] = json.loads(_body(answer, "its settings")).get("models", {})
    found = [given] if given in models else []
    if not given:
        found = [name for name, each in models.items() if each.get("registry") == model]
    if len(found) == 1:
        return found[0]
    raise ConfigError(
        f"expected the server to have {given or model} once, it has {', '.join(found) or 'none'} "
        f"of {', '.join(models) or 'no models'}; name it in configs/serving.yaml ("
        f"models: {{{given or model}: {{registry: {model}}}}}), or set fetch.served"
    )


class Releasing:
    """One release of one model."""

    def __init__(self, server: ModelServer, model: str, holder: str) -> None:
        """Begin without asking anything.

        Args:
            server: The server.
            model: What it calls the model.
            holder: Name of the release.
        """
        self._server, self._model, self._holder = server, model, holder
        self._path = f"/v1/models/{model}/release"

    def look(self) -> Release:
        """How the model is routed now."""
        return Release.model_validate_json(_body(self._server.ask("GET", self._path), self._model))

    def hold(self, candidate: int, share: int = 0, note: dict[str, Any] | None = None) -> Release:
        """Hold the model for a candidate, which gets a share per mille.

        Raises:
            ConfigError: Another release holds it, or the server refuses.
            ResourceError: The token is missing or wrong.
            TransientError: The server can't be reached, or can't answer now.
        """
        return self._put(candidate=candidate, share=share, note=note or {})

    def end(self, stable: int | None, note: dict[str, Any]) -> Release:
        """Let go of the model; `stable` answers from now on, None for who did."""
        return self._put(stable=stable, note=note)

    def wait_loaded(self, version: int, limit_s: float) -> str:
        """Wait until a version answers.

        Returns:
            Why it does not; empty if it does.
        """
        until_s, path = time.monotonic() + limit_s, f"/v1/models/{self._model}/versions/{version}"
        state, message = "unknown", ""
        while time.monotonic() < until_s:
            answer = self._server.ask("GET", path)
            if answer.status == _OK:
                (told,) = json.loads(answer.body)["model_version_status"]
                state, message = told["state"], told["status"]["error_message"]
                if state == State.AVAILABLE.name:
                    return ""
                if state == State.END.name and message:
                    return f"the server can't load it: {message}"
            time.sleep(_POLL_S)
        return f"the server has not loaded it in {limit_s:g} s; it is {state} {message}".rstrip()

    def counted(self) -> Counted:
        """What the server has counted of the model."""
        return Counted(
            _body(self._server.ask("GET", "/metrics"), "its counts").decode(), self._model
        )

    def infer(self, version: int, signature: str, arrays: Arrays) -> Arrays | None:
        """Ask a version; None if it fails.

        Raises:
            TransientError: The server can't be reached.
        """
        body, headers = write_request(signature, arrays)
        path = f"/v2/models/{self._model}/versions/{version}/infer"
        answer = self._server.ask("POST", path, body, headers)
        if answer.status != _OK:
            return None
        return read_answer(answer.body, answer.headers.get(HEADER, ""))

    def _put(self, **values: Any) -> Release:
        asked = Asked(holder=self._holder, **values)
        answer = self._server.ask("PUT", self._path, asked.model_dump_json().encode())
        return Release.model_validate_json(_body(answer, f"{self._model}'s release"))


def _body(answer: ServerAnswer, what: str) -> bytes:
    """Body of an answer that is well.

    Raises:
        ConfigError: It is not.
        ResourceError: The token is missing or wrong.
        TransientError: It can't answer now.
    """
    if answer.status == _OK:
        return answer.body
    told = answer.body.decode("utf-8", "replace")[:_MAX_SHOWN]
    message = f"the server of models did not take or give {what} ({answer.status}): {told}"
    if answer.status in _REFUSED:
        raise ResourceError(
            f"{message}; set ORRERY_SERVING_TOKEN, the same as the server's, in the environment of "
            "Airflow and of the Ray nodes"
        )
    raise (TransientError if answer.status in _SERVERS_FAULT else ConfigError)(message)
