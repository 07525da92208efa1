"""Logins and certificates come from the environment, and go nowhere else."""

from __future__ import annotations

import base64
import ssl
from pathlib import Path

import pytest

from operators import access
from tasks.core.errors import ConfigError, ResourceError
from tests.support.kernel.private_authority import Authority

NAMES = (
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
    "MLFLOW_TRACKING_SERVER_CERT_PATH",
    "MLFLOW_TRACKING_INSECURE_TLS",
    "RAY_AUTH_MODE",
    "RAY_AUTH_TOKEN",
    "RAY_AUTH_TOKEN_PATH",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def test_the_documentation_names_every_variable() -> None:
    assert access.__doc__ is not None
    assert all(name in access.__doc__ for name in NAMES)


def test_mlflow_is_shown_a_login_or_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    assert access.mlflow_login() == {}
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "abc\n")
    assert access.mlflow_login() == {"Authorization": "Bearer abc"}
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "me")
    assert access.mlflow_login() == {"Authorization": "Bearer abc"}, "half a login is none"
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "pass:wörd")
    kind, _, pair = access.mlflow_login()["Authorization"].partition(" ")
    assert (kind, base64.b64decode(pair).decode()) == ("Basic", "me:pass:wörd")


def test_ray_is_shown_its_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, other = tmp_path / "token", tmp_path / "other"
    file.write_text("of-the-file\n")
    other.write_bytes(b"\xff")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(file))
    assert access.ray_login() == {}, "the cluster asks for none"
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    assert access.ray_login() == {"Authorization": "Bearer of-the-file"}
    monkeypatch.setenv("RAY_AUTH_TOKEN", "of-the-variable")
    assert access.ray_login() == {"Authorization": "Bearer of-the-variable"}
    assert access.ray_login(file) == {"Authorization": "Bearer of-the-file"}
    with pytest.raises(ResourceError, match="it is no text"):
        access.ray_login(other)


@pytest.mark.parametrize("token", ["se cret", "se\ncret", "sécret", " "])
def test_a_broken_token_is_not_quoted(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token)
    with pytest.raises(ResourceError, match="MLFLOW_TRACKING_TOKEN: expected") as raised:
        access.mlflow_login()
    assert "cret" not in str(raised.value)


def test_the_nearest_bundle_is_believed(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def names(context: ssl.SSLContext | bool) -> int:
        assert isinstance(context, ssl.SSLContext)
        assert context.verify_mode == ssl.CERT_REQUIRED
        return len(context.get_ca_certs())

    assert names(access.trust()) > 50, "the public ones"
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert names(access.trust()) == 0
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))
    assert names(access.trust()) == names(access.trust(mlflow=True)) == 1
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(tmp_path / "none"))
    assert names(access.trust()) == 1
    with pytest.raises(ResourceError, match="SERVER_CERT_PATH: expected a file or folder"):
        access.trust(mlflow=True)
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(authority.key))
    with pytest.raises(ResourceError, match="SERVER_CERT_PATH: expected a file or folder"):
        access.trust(mlflow=True)
    monkeypatch.setenv("MLFLOW_TRACKING_INSECURE_TLS", "TRUE")
    assert access.trust(mlflow=True) is False
    assert names(access.trust()) == 1


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://me:secret@mlflow/x", "https://…@mlflow/x"),
        ("HTTP://secret@ray:8265", "HTTP://…@ray:8265"),
        ("s3://key:secret@bucket/x", "s3://…@bucket/x"),
        ("simplecache::s3://key:secret@bucket", "simplecache::s3://…@bucket"),
    ],
)
def test_a_login_in_an_address_is_refused_unseen(address: str, shown: str) -> None:
    with pytest.raises(ConfigError, match="tracking_uri: expected an address without") as raised:
        access.refuse_login("tracking_uri", address)
    assert f"'{shown}'" in str(raised.value)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "address",
    [
        "http://mlflow:5000/a@b:c",
        "abfs://box@account.core/x",
        "/a:b@c",
        "s3://bucket/a:b@c",
        "auto",
    ],
)
def test_other_addresses_pass(address: str) -> None:
    access.refuse_login("store_uri", address)
