"""Who may change what a server does: whoever shows its token."""

from __future__ import annotations

import hmac

from tasks.serving.types import Code, RequestError


def check_token(shown: str, token: str) -> None:
    """Check who asks for a change.

    Args:
        shown: Value of the header ``Authorization``.
        token: The token; empty if nobody may change anything.

    Raises:
        RequestError: PERMISSION_DENIED or UNAUTHENTICATED.
    """
    if not token:
        raise RequestError(
            Code.PERMISSION_DENIED,
            "this server's settings can't be changed from outside: start it with "
            "ORRERY_SERVING_TOKEN in its environment",
        )
    if not hmac.compare_digest(shown.encode(), f"Bearer {token}".encode()):
        raise RequestError(
            Code.UNAUTHENTICATED, "expected the header Authorization: Bearer <token> of the server"
        )
