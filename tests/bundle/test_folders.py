"""A bundle on disk is believed where its digests hold, and nothing else is read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.bundle.folders import gather, read_bundle, whole_folder, write_manifest
from tasks.bundle.manifest import Bundle
from tasks.core.errors import DataError
from tests.support.hostile.refusals import refused

Made = tuple[Path, Bundle]


@pytest.fixture
def copy(made: Made, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made[0], tmp_path / "bundle"))


def test_a_bundle_is_read_wherever_it_lies(made: Made, copy: Path) -> None:
    assert read_bundle(copy) == made[1]
    assert {*made[1].files} == {
        *("model.onnx", "model.int8.onnx", "model.pt2"),
        *("golden/predict.safetensors", "golden/classify.safetensors"),
    }


def flip(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def link(path: Path, outside: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    path.symlink_to(outside / path.name)


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


# What may befall a bundle on its way, or on purpose: the bundle, and another that is none of it.
SPOILED: dict[str, Callable[[Path, Path], object]] = {
    "other bytes": lambda b, _: flip(b / "model.onnx"),
    "cut": lambda b, _: os.truncate(b / "model.onnx", 100),
    "missing": lambda b, _: (b / "model.onnx").unlink(),
    "one more": lambda b, _: (b / "golden" / "run.so").write_bytes(b"ELF"),
    "hidden": lambda b, _: (b / ".pth").write_text("import os"),
    "link": lambda b, outside: link(b / "model.onnx", outside),
    "folder link": lambda b, outside: link(b / "golden", outside),
    "manifest link": lambda b, outside: link(b / "bundle.json", outside),
    "pipe": lambda b, _: pipe(b / "model.onnx"),
    "bomb": lambda b, _: os.truncate(b / "model.onnx", 10**12),
    "no manifest": lambda b, _: (b / "bundle.json").unlink(),
    "large manifest": lambda b, _: os.truncate(b / "bundle.json", 10**9),
}


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("other bytes", "model.onnx is not what bundle.json says"),
        ("cut", "(100 bytes)"),
        ("missing", "its file model.onnx is missing"),
        ("one more", "golden/run.so is not named by its bundle.json"),
        ("hidden", ".pth is not named"),
        ("link", "model.onnx is a link"),
        ("folder link", "golden is a link"),
        ("manifest link", "got a link"),
        ("pipe", "model.onnx is no plain file"),
        ("bomb", "(1,000,000,000,000 bytes)"),
        ("no manifest", "No such file"),
        ("large manifest", "at most 20,000,000 bytes"),
    ],
)
def test_what_is_not_as_it_was_made_is_refused(made: Made, copy: Path, how: str, told: str) -> None:
    SPOILED[how](copy, made[0])
    with refused(str(copy), told, outside=made[0]):
        read_bundle(copy)


@pytest.mark.hostile
def test_who_asks_for_one_network_reads_no_other_s_file(made: Made, copy: Path) -> None:
    first, *_, last = made[1].networks
    flip(copy / str(made[1].networks[last].file))
    for network in ("", first):
        assert read_bundle(copy, network=network) == made[1]
    for network in (last, None):
        with pytest.raises(DataError, match="is not what bundle"):
            read_bundle(copy, network=network)
    flip(copy / "golden" / "predict.safetensors")
    with pytest.raises(DataError, match="golden/predict"):
        read_bundle(copy, network=first)


def test_what_is_larger_than_allowed_is_refused_unread(copy: Path) -> None:
    with refused("at most 1,000 bytes", outside=copy / "model.onnx"):
        read_bundle(copy, max_bytes=1000)


def test_files_are_gathered_whole_or_not_at_all(made: Made, tmp_path: Path) -> None:
    folder, bundle = made
    files = {name: folder / name for name in (*bundle.files, "bundle.json")}
    assert gather(files, tmp_path / "whole") == bundle
    assert read_bundle(tmp_path / "whole") == bundle
    with pytest.raises(DataError, match="a place where no folder is yet"):
        gather(files, tmp_path / "whole")
    del files["model.pt2"]
    with pytest.raises(DataError, match=r"model\.pt2 is missing"):
        gather(files, tmp_path / "lacks")
    assert [each.name for each in tmp_path.iterdir()] == ["whole"]


def test_a_block_that_is_cut_off_leaves_nothing(tmp_path: Path) -> None:
    def cut_off() -> None:
        with whole_folder(tmp_path / "a" / "b") as partial:
            (partial / "half").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut_off()
    assert [*(tmp_path / "a").iterdir()] == []


def test_a_manifest_that_would_not_be_read_back_is_not_written(made: Made, copy: Path) -> None:
    odd = made[1].model_copy(update={"files": {}})
    with pytest.raises(DataError, match="used and not among them"):
        write_manifest(copy, odd)
    assert read_bundle(copy) == made[1]
