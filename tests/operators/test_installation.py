"""Profiles: every one that is shipped loads, and a wrong one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic.dataclasses import dataclass

from operators.installation import ROOT, Profile, StageResources, load_profile
from tasks.core.config import SETTINGS, setting
from tasks.core.errors import ConfigError
from tasks.nas.transfer.config import ChooseConfig, TransferCellsConfig
from tasks.panorama.config import IngestConfig, RestitchConfig
from tests.support.hostile.refusals import refused


@pytest.mark.parametrize("path", sorted((ROOT / "configs/profiles").glob("*.yaml")), ids=str)
def test_shipped_profiles_load(path: Path) -> None:
    assert isinstance(load_profile(path.stem), Profile)


def test_a_store_may_lie_in_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert Profile(store_uri="~/store").absolute_store_uri() == "/home/me/store"
    assert Profile(store_uri="store").absolute_store_uri() == f"{ROOT}/store"


def test_stage_has_its_own_entry_or_the_default(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("default: {num_cpus: 0.5}\nstages: {a.b: {num_gpus: 0.25, limit_s: 10.0}}\n")
    profile = load_profile(str(path))
    assert profile.resources("a.b") == StageResources(num_gpus=0.25, limit_s=10.0)
    assert profile.resources("a.c") == StageResources(num_cpus=0.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("store: x", "unknown setting 'store'.*'store_uri'"),
        ("num_jobs: 0", "num_jobs: .*greater than or equal to 1"),
        ("stages: {a.b: {cpus: 1}}", r"stages\.a\.b\.cpus: "),
        ("tracking_uri: https://me:xyzzy@mlflow", "tracking_uri: .*without a user and a password"),
        ("store_uri: s3://me:xyzzy@bucket", "store_uri: .*without a user and a password"),
        ("ray_api: http://xyzzy@ray:8265", "ray_api: .*without a user and a password"),
        ("tracking_uri: mlflow:5000", "tracking_uri: .*http://host:port, .*got 'mlflow:5000'"),
        ("ray_api: ray.example.org", "ray_api: .*http://host:port, .*got 'ray.example.org'"),
        ("ray_api: 'http://ray:port'", "ray_api: .*http://host:port, .*got 'http://ray:port'"),
        ("store_options: {key: me, secret: xyzzy}", "store_options: expected no secret"),
        ("readable: [~nobody-here/data]", "readable: '~nobody-here/data' can't be a path"),
        ("writable: ['']", "writable: .*got an empty text"),
        ("store_uri: ''", "store_uri: .*got an empty text"),
        ("readable: [S3://bucket]", "readable: .*s3://, gs://, file://, got 'S3://bucket'"),
        ("readable: ['s3://me:xyzzy@bucket']", "readable: .*without a user and a password"),
        ("default: {num_gpus: many}", r"default\.num_gpus: .*valid number"),
    ],
)
def test_wrong_profile_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as refused:
        load_profile(str(path))
    assert "xyzzy" not in str(refused.value)


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("readable: /data", "readable"),
        ("readable: [7]", "readable"),
        ("writable: {a: b}", "writable"),
        ("readable: [/data]\nreadable: [/]", "twice"),
        ("num_jobs: yes", "num_jobs"),
        ("num_jobs: 1e3", "num_jobs"),
        ("num_jobs: 999999999999999999999", "num_jobs"),
        ("default: {limit_s: .inf}", "limit_s"),
        ("default: {limit_s: 1:30}", "limit_s"),
        ("default: &d {num_cpus: 1.0}\nstages: {a: *d}", "reference"),
        ("store_options: {key: [secret]}", "store_options"),
        ("stages: " + "[" * 5000, "nested"),
    ],
    ids=range(12),
)
def test_a_profile_that_means_two_things_is_refused(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with refused(named):
        load_profile(str(path))


def test_a_profile_allows_no_path_but_those_that_it_names() -> None:
    config = RestitchConfig(ingest=IngestConfig(captures="/data/archive"))
    with pytest.raises(ConfigError, match=r"captures: '/data/archive' .*readable \(nothing\)"):
        Profile().check_paths(config)
    Profile(readable=("/data",)).check_paths(config)
    with pytest.raises(ConfigError, match=r"^captures: "):
        Profile(readable=("/data/other",)).check_paths(config.ingest, "ingest")


def test_roots_count_from_the_repository_and_the_user_s_home() -> None:
    profile = Profile(readable=("artifacts", "~/data", "s3://bucket/x"))
    home = Path.home() / "data"
    assert profile.roots("readable").places == (f"{ROOT}/artifacts", str(home), "s3://bucket/x")


def test_names_of_published_cells_are_no_paths() -> None:
    for name in ("nasnet_a", "amoebanet_a", "0" * 32):
        Profile().check_paths(TransferCellsConfig(choose=ChooseConfig(genotype=name)))
    with pytest.raises(ConfigError, match="genotype: '/etc/passwd' lies outside"):
        Profile().check_paths(TransferCellsConfig(choose=ChooseConfig(genotype="/etc/passwd")))


@pytest.mark.hostile
@pytest.mark.parametrize("uri", ["s3://bucket/x", "file:///data/x"])
def test_a_uri_is_refused_where_a_setting_takes_paths_alone(uri: str) -> None:
    """Else a stage would take it for a folder of this name where it happens to run."""

    @dataclass(frozen=True, config=SETTINGS)
    class Target:
        export_to: str = setting("", path="write", help="Folder.")

    with refused("publish.export_to", "is a URI"):
        Profile(writable=("/", "s3://")).check_paths(Target(uri), "publish")


@pytest.mark.hostile
def test_a_param_with_a_login_is_refused_unseen() -> None:
    config = RestitchConfig(ingest=IngestConfig(captures="s3://me:xyzzy@bucket/archive"))
    with pytest.raises(ConfigError, match="captures: expected an address without") as refusal:
        Profile(readable=("s3://",)).check_paths(config)
    assert "xyzzy" not in str(refusal.value)


def test_unknown_profile_is_named() -> None:
    with pytest.raises(ConfigError, match=r"no profile 'none', there are: ci, cluster, laptop"):
        load_profile("none")
    with pytest.raises(ConfigError, match=r"can't read the settings .*none\.yaml"):
        load_profile("/etc/none.yaml")


def test_relative_store_counts_from_the_repository() -> None:
    assert Profile(store_uri="artifacts").absolute_store_uri() == str(ROOT / "artifacts")
    assert Profile(store_uri="/data").absolute_store_uri() == "/data"
    assert Profile(store_uri="s3://b/x").absolute_store_uri() == "s3://b/x"
