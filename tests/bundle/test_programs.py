"""What programs say of themselves, and that none is loaded which could run code."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.export import Dim

from tasks.bundle.manifest import Bundle
from tasks.bundle.programs import forms, load_program
from tasks.core.errors import DataError
from tests.support.bundle.models import BATCH, LENGTH, Tags, exported
from tests.support.hostile.refusals import refused


def test_a_program_says_names_types_and_dynamic_axes(tmp_path: Path) -> None:
    example = (torch.ones(2, 3, 5, dtype=torch.int64), torch.ones(1))
    program = exported(Tags(), example, ({0: BATCH, 1: LENGTH}, None))
    torch.export.save(program, tmp_path / "model.pt2")
    takes, gives = forms(load_program(tmp_path / "model.pt2", "here"), "here")
    assert [(each.name, each.dtype.name) for each in takes] == [
        ("words", "int64"),
        ("weight", "float32"),
    ]
    assert [(each.name, each.dtype.name) for each in gives] == [
        ("each", "float32"),
        ("sum", "float32"),
        ("there", "bool"),
    ]
    batch, length, fixed = takes[0].axes
    assert fixed == 5
    assert [each.axes for each in gives] == [(batch, length, 3), (batch, 3), (batch, length, 5)]


class ByKeyword(nn.Module):
    def forward(self, x: Any, *, scale: Any) -> Any:
        return x * scale


class Nested(nn.Module):
    def forward(self, x: Any) -> Any:
        return {"inner": {"y": x + 1}}


class Half(nn.Module):
    def forward(self, x: Any) -> Any:
        return x.bfloat16()


class Number(nn.Module):
    def forward(self, x: Any, power: int) -> Any:
        return x**power


class Same(nn.Module):
    def forward(self, x: Any) -> Any:
        return {"y": x + 1}


X = torch.zeros(3, 2)
ANY = {0: Dim("n")}


@pytest.mark.parametrize(
    ("network", "example", "shapes", "message"),
    [
        (ByKeyword(), ((X,), {"scale": X}), (ANY, ANY), "by position, and re"),
        (Nested(), ((X,), {}), (ANY,), "a tuple or a dict of them, got one that"),
        (Half(), ((X,), {}), (ANY,), "that NumPy has, got torch.bfloat16 for "),
        (Number(), ((X, 2), {}), (ANY, None), "tensors in and out alone, got 2$"),
        (Same(), ((X,), {}), None, "a dynamic axis, all sizes are fixed; export it with dynamic"),
    ],
    ids=["keyword", "nested", "bfloat16", "number", "static"],
)
def test_programs_that_do_not_fit_are_named(
    network: nn.Module, example: Any, shapes: Any, message: str
) -> None:
    program = torch.export.export(network, *example, dynamic_shapes=shapes)
    with pytest.raises(DataError, match=f"(?s)^here: expected .*{message}"):
        forms(program, "here")


class Bomb:
    """Makes a file of whoever unpickles it."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def saved(value: Any) -> bytes:
    stream = io.BytesIO()
    torch.save(value, stream)
    return stream.getvalue()


def document(change: Callable[[dict[str, Any]], None]) -> Callable[[bytes, Path], bytes]:
    """Change a JSON document of an archive."""

    def changed(data: bytes, _mark: Path) -> bytes:
        found = json.loads(data)
        change(found)
        return json.dumps(found).encode()

    return changed


def rewritten(
    source: Path, target: Path, entry: str, change: Callable[[bytes, Path], bytes], mark: Path
) -> None:
    """Copy a program, with an entry that is changed, or added."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        root = old.namelist()[0].partition("/")[0]
        entries = {name: old.read(name) for name in old.namelist()}
        entries[f"{root}/{entry}"] = change(entries.get(f"{root}/{entry}", b""), mark)
        for name, data in entries.items():
            new.writestr(name, data)


def node(key: str, value: str) -> Callable[[bytes, Path], bytes]:
    return document(lambda found: found["graph_module"]["graph"]["nodes"][0].update({key: value}))


def pickled_weight(found: dict[str, Any]) -> None:
    next(iter(found["config"].values()))["use_pickle"] = True


def size(text: str) -> Callable[[bytes, Path], bytes]:
    def change(data: bytes, mark: Path) -> bytes:
        told = json.dumps(text.replace("MARK", str(mark)))[1:-1].encode()
        start = data.index(b'"expr_str": "') + len(b'"expr_str": "')
        return data[:start] + told + data[data.index(b'"', start) :]

    return change


CALL = "__import__('pathlib').Path('MARK').touch()"
MODEL = "models/model.json"
ATTACKS: dict[str, tuple[str, Callable[[bytes, Path], bytes]]] = {
    "example inputs": ("data/sample_inputs/model.pt", lambda _, mark: saved(Bomb(mark))),
    "pickled weight": ("data/weights/model_weights_config.json", document(pickled_weight)),
    "old weights": ("data/weights/model.pt", lambda _, mark: saved({"w": Bomb(mark)})),
    "opaque constant": (
        "data/constants/opaque_obj_0",
        lambda _, mark: pickle.dumps(Bomb(mark)),
    ),
    "library": ("data/aotinductor/model/run.so", lambda *_: b"\x7fELF"),
    "size": (MODEL, size(CALL)),
    "size by names": (MODEL, size("exec(chr(1))")),
    "size by attributes": (MODEL, size("Integer.__class__")),
    "guard": (MODEL, document(lambda found: found.update(guards_code=[CALL]))),
    "guard by attributes": (
        MODEL,
        document(lambda found: found.update(guards_code=["L['x'].__class__"])),
    ),
    "operator": (MODEL, node("target", "torch.hub.load")),
    "operator of Python": (MODEL, node("target", "_operator.attrgetter")),
    "operator of others": (MODEL, node("target", "torch.ops.mine.run")),
    "operator on files": (MODEL, node("target", "torch.ops.aten.from_file")),
    "name": (MODEL, node("name", "x = 1\nimport os")),
}


@pytest.mark.hostile
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_program_that_could_run_code_is_not_loaded(
    made: tuple[Path, Bundle], tmp_path: Path, attack: str
) -> None:
    mark, path = tmp_path / "ran", tmp_path / "model.pt2"
    rewritten(made[0] / "model.pt2", path, *ATTACKS[attack], mark)
    with refused("here"):
        load_program(path, "here")
    assert not mark.exists()


@pytest.mark.hostile
@pytest.mark.filterwarnings("ignore")
def test_such_a_program_would_have_run_it(made: tuple[Path, Bundle], tmp_path: Path) -> None:
    mark, path = tmp_path / "ran", tmp_path / "model.pt2"
    rewritten(made[0] / "model.pt2", path, *ATTACKS["example inputs"], mark)
    with suppress(Exception):
        torch.export.load(path)
    assert mark.exists()


@pytest.mark.hostile
@pytest.mark.parametrize("how", ["cut", "text", "missing", "compressed", "empty archive"])
def test_files_that_are_no_programs_are_refused(
    made: tuple[Path, Bundle], tmp_path: Path, how: str
) -> None:
    path = tmp_path / "model.pt2"
    if how == "compressed":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("model/models/model.json", b" " * 10_000_000)
    elif how == "empty archive":
        zipfile.ZipFile(path, "w").close()
    elif how == "cut":
        path.write_bytes((made[0] / "model.pt2").read_bytes()[:1000])
    elif how == "text":
        path.write_text("no program")
    with refused("here", "model.pt2" if how != "compressed" else "not compressed"):
        load_program(path, "here")


def test_a_copy_that_says_the_same_is_loaded(made: tuple[Path, Bundle], tmp_path: Path) -> None:
    path = Path(shutil.copyfile(made[0] / "model.pt2", tmp_path / "other.pt2"))
    takes, gives = forms(load_program(path, "here"), "here")
    assert ([each.name for each in takes], [each.name for each in gives]) == (["images"], [""])
