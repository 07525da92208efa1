"""Only who shows the token may change anything, and without one nobody may."""

from __future__ import annotations

import pytest

from tasks.serving.access import check_token
from tasks.serving.types import Code, RequestError


@pytest.mark.parametrize(
    ("shown", "token", "code"),
    [
        ("Bearer token", "", Code.PERMISSION_DENIED),
        ("", "token", Code.UNAUTHENTICATED),
        ("token", "token", Code.UNAUTHENTICATED),
        ("Bearer é", "token", Code.UNAUTHENTICATED),
    ],
)
def test_others_are_refused(shown: str, token: str, code: Code) -> None:
    with pytest.raises(RequestError) as caught:
        check_token(shown, token)
    assert caught.value.code is code


def test_the_token_opens() -> None:
    check_token("Bearer token", "token")
