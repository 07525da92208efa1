"""The server of models as a stage asks it: the profile's address, the environment's token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from operators.access import check_trust, serving_login, trust
from tasks.core.errors import ResourceError, TransientError
from tasks.core.models import ServerAnswer

_PATIENCE_S = 120.0
_CONNECT_TRIES = 3


@dataclass(frozen=True)
class HttpModelServer:
    """A `tasks.core.models.ModelServer`.

    Attributes:
        address: Where it is; empty if there is none.
    """

    address: str

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> ServerAnswer:
        """Ask it; see `tasks.core.models.ModelServer`."""
        if not self.address:
            raise ResourceError("there is no server of models: set the profile's serving_api")
        transport = httpx.HTTPTransport(verify=trust(), retries=_CONNECT_TRIES)
        told = {**(headers or {}), **serving_login()}
        try:
            with httpx.Client(transport=transport, timeout=_PATIENCE_S) as client:
                answer = client.request(method, self.address + path, content=body, headers=told)
        except httpx.HTTPError as error:
            check_trust("the server of models", error)
            raise TransientError(
                f"the server of models at {self.address} can't be reached: {error}; start it (make "
                "serve, or make up), or correct the profile's serving_api"
            ) from error
        return ServerAnswer(answer.status_code, answer.content, dict(answer.headers))
