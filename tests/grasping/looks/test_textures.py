from __future__ import annotations

import runpy
from pathlib import Path

import cv2
import numpy as np
import pytest

from tasks.core.errors import ArtifactError, ConfigError, DataError
from tasks.grasping.looks.textures import (
    SIDE_PX,
    Textures,
    generated_textures,
    half_of,
    load_textures,
    read_textures,
    save_textures,
)
from tests.support.hostile.odd_images import ODD, write_odd
from tests.support.hostile.refusals import check_sentence, refused
from tests.support.hostile.within import run_within
from tests.support.real_data import real_data


def generated(count: int, seed: int = 0) -> Textures:
    return generated_textures(np.random.default_rng(seed), count)


def write(path: Path, colour: tuple[int, int, int], size: tuple[int, int] = (40, 40)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((*size, 3), colour[::-1], np.uint8))


@pytest.mark.parametrize("count", [0, 1, 2, 5, 40])
def test_halves_share_nothing_and_leave_nothing_out(count):
    textures = generated(count)
    first, second = textures.half("randomise"), textures.half("surrogate")
    assert sorted([*first, *second]) == list(range(count))
    assert first == half_of(count, "randomise")
    assert 0 <= len(first) - len(second) <= 1


def test_generated_textures_repeat_themselves_and_vary():
    first, again, other = generated(24), generated(24), generated(24, seed=1)
    np.testing.assert_array_equal(first.images, again.images)
    assert first.images.shape == (24, SIDE_PX, SIDE_PX, 3)
    assert first.images.dtype == np.uint8
    assert len({image.tobytes() for image in (*first.images, *other.images)}) == 48


def test_pyramid_halves_and_averages():
    textures = generated(3)
    sizes = [level.shape for level in textures.pyramid]
    assert sizes == [(3, side, side, 3) for side in (128, 64, 32, 16, 8)]
    for level in textures.pyramid:
        np.testing.assert_allclose(
            level.mean((1, 2)), textures.images.mean((1, 2)), atol=1.0, rtol=0
        )
    block = textures.images[1, 10:12, 20:22].astype(float).mean((0, 1))
    np.testing.assert_allclose(textures.pyramid[1][1, 5, 10], block, atol=0.51)


def test_pictures_are_read_sorted_cropped_and_in_rgb(tmp_path):
    write(tmp_path / "b.png", (255, 0, 0))
    write(tmp_path / "a" / "z.jpg", (0, 0, 255), size=(300, 200))
    write(tmp_path / "c.webp", (0, 255, 0), size=(64, 256))
    (tmp_path / ".hidden").write_text("no picture")

    textures = read_textures(tmp_path)

    assert textures.num == 3
    colours = textures.images.mean((1, 2))
    np.testing.assert_allclose(colours, [[0, 0, 255], [255, 0, 0], [0, 255, 0]], atol=6)


def test_the_square_in_the_middle_is_kept(tmp_path):
    image = np.zeros((100, 300, 3), np.uint8)
    image[:, 100:200] = 255
    cv2.imwrite(str(tmp_path / "wide.png"), image)
    assert read_textures(tmp_path).images.min() == 255


@pytest.mark.parametrize("name", ["broken.png", "deep/notes.txt"])
@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n garbage"])
def test_one_file_that_is_no_picture_is_named_and_two_of_three_are_refused(tmp_path, name, content):
    write(tmp_path / "good.png", (1, 2, 3))
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(content)
    (skipped,) = read_textures(tmp_path).skipped
    assert f"{name} is no picture" in skipped.reason
    (tmp_path / "second.png").write_bytes(b"")
    with pytest.raises(DataError, match=f"{name} is no picture.*at most 5% of 3"):
        read_textures(tmp_path)


def test_picture_that_is_cut_short_is_refused(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    _, data = cv2.imencode(".png", noise)
    (tmp_path / "cut.png").write_bytes(bytes(data)[:200])
    with pytest.raises(DataError, match=r"cut\.png is no picture"):
        read_textures(tmp_path)


@pytest.mark.parametrize(
    ("folder", "message"), [("missing", "there is no folder"), ("", "found 0")]
)
def test_missing_or_empty_folder_is_refused(tmp_path, folder, message):
    with pytest.raises(ConfigError, match=message):
        read_textures(tmp_path / folder)


def test_textures_survive_a_file_and_equal_ones_give_equal_bytes(tmp_path, monkeypatch):
    textures = generated(4)
    first, second = tmp_path / "a.npz", tmp_path / "b.npz"
    save_textures(first, textures)
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    save_textures(second, generated(4))
    np.testing.assert_array_equal(load_textures(first).images, textures.images)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("content", [b"", b"hello", None, np.zeros((2, 8, 8, 3), np.uint8)])
def test_file_without_textures_is_refused(tmp_path, content):
    path = tmp_path / "textures.npz"
    if content is None:
        np.savez(path, other=np.zeros(3))
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.savez(path, images=content)
    with pytest.raises(ArtifactError, match=r"textures\.npz"):
        load_textures(path)


def test_missing_file_of_textures_is_refused(tmp_path):
    with pytest.raises(ArtifactError, match="holds no textures"):
        load_textures(tmp_path / "none.npz")


def test_photographed_materials_are_read_and_their_kinds_are_split(tmp_path):
    tiles = runpy.run_path(str(real_data("textures_cc0") / "tiles.py"))["tiles"]
    names = []
    for name, tile in tiles():
        if name.startswith(("Bricks", "Fabric", "Wood", "Metal")) and len(names) < 120:
            cv2.imwrite(str(tmp_path / f"{name}.png"), tile[..., ::-1])
            names.append(name)
    names.sort()

    textures = read_textures(tmp_path)

    assert textures.num == len(names) > 60
    assert textures.images.std(axis=(1, 2)).mean() > 5
    kinds = [
        {names[k].partition("_")[0] for k in textures.half(half)}
        for half in ("randomise", "surrogate")
    ]
    assert len(kinds[0] & kinds[1]) <= 1


def write_many(folder: Path, count: int) -> Path:
    for number in range(count):
        write(folder / "good" / f"{number:03}.png", (number % 256, 0, 0), (9, 9))
    (folder / "deep").mkdir()
    return folder


@pytest.mark.hostile
@pytest.mark.parametrize("kind", ODD)
def test_an_odd_picture_is_left_out_and_named(tmp_path, kind):
    folder = write_many(tmp_path / "data" / "set", 20)
    name = write_odd(kind, folder / "deep")
    textures = read_textures(folder)
    assert textures.num == 20
    (skipped,) = textures.skipped
    assert skipped.item_id == f"deep/{name}"
    check_sentence(f"{skipped.item_id}: {skipped.reason}", name)
    assert str(folder) not in skipped.reason


@pytest.mark.hostile
def test_all_of_them_together_take_little_memory(tmp_path):
    folder = write_many(tmp_path / "data" / "set", 20 * len(ODD))
    for number, kind in enumerate(ODD):
        write_odd(kind, folder / "deep", f"odd{number}")
    found = run_within(
        300_000_000,
        "from pathlib import Path\nfrom tasks.grasping.looks.textures import read_textures",
        f"print(len(read_textures(Path({str(folder)!r})).skipped))",
    )
    assert int(found) == len(ODD)


@pytest.mark.hostile
def test_a_whole_disk_of_pictures_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("tasks.grasping.looks.textures.MAX_TEXTURES", 10)
    with refused("randomise.textures", "expected 1 to 10 pictures"):
        read_textures(write_many(tmp_path, 11))
