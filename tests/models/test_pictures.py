from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.tiny import picture
from unsee.models.pictures import from_image, open_folder, open_picture
from unsee.nouns import UserError


def _save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def _png_header(width: int, height: int) -> bytes:
    """A PNG whose header claims a size that its few bytes do not hold."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )


def test_same_pixels_same_hash_whatever_the_file(tmp_path: Path) -> None:
    image = picture(1).read()
    png, bmp = open_picture(_save(tmp_path / "a.png", image)), open_picture(_save(tmp_path / "b.bmp", image))
    assert png.hash == bmp.hash == picture(1).hash
    assert png.path == str(tmp_path / "a.png")
    assert np.array_equal(np.asarray(png.read()), np.asarray(image))


def test_other_pixels_or_shape_other_hash() -> None:
    flat = Image.new("RGB", (4, 2))
    assert from_image(flat).hash != from_image(Image.new("RGB", (2, 4))).hash
    assert picture(1).hash != picture(2).hash


def test_later_changes_do_not_reach_the_picture() -> None:
    image = Image.new("RGB", (2, 2))
    taken = from_image(image)
    image.putpixel((0, 0), (9, 9, 9))
    taken.read().putpixel((1, 1), (9, 9, 9))
    assert taken.read().getextrema() == ((0, 0), (0, 0), (0, 0))


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    image = Image.new("RGB", (30, 20), "red")
    exif = image.getexif()
    exif[0x0112] = 6  # rotate by 90 degrees to show it upright
    assert open_picture(_save(tmp_path / "a.jpg", image, exif=exif)).read().size == (20, 30)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "I;16"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    suffix = "tif" if mode == "CMYK" else "png"
    image = Image.new(mode, (5, 4)) if mode == "I;16" else Image.new("RGB", (5, 4), "blue").convert(mode)
    assert open_picture(_save(tmp_path / f"a.{suffix}", image)).read().mode == "RGB"


def test_bad_files_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("not a picture")
    (tmp_path / "folder.png").mkdir()
    buffer = io.BytesIO()
    Image.effect_noise((200, 200), 90).save(buffer, format="PNG")
    (tmp_path / "cut.png").write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    (tmp_path / "header.png").write_bytes(_png_header(10, 10))
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    expected = {
        "missing.png": "no such picture",
        "empty.png": "empty",
        "text.png": "not a picture",
        "folder.png": "not a file",
        "cut.png": "damaged",
        "header.png": "damaged",
        "moving.gif": "animated",
    }
    for name, words in expected.items():
        with pytest.raises(UserError, match=words) as error:
            open_picture(tmp_path / name)
        assert name in str(error.value)


@pytest.mark.parametrize("side", [7_100, 10_000, 20_000])
def test_bombs_are_refused_from_the_header(tmp_path: Path, side: int) -> None:
    (tmp_path / "bomb.png").write_bytes(_png_header(side, side))
    with pytest.raises(UserError, match="too large"):
        open_picture(tmp_path / "bomb.png")


def test_folder_is_sorted_and_passes_over_other_files(tmp_path: Path) -> None:
    for name, seed in (("b.png", 2), ("a.png", 1)):
        _save(tmp_path / name, picture(seed).read())
    (tmp_path / "notes.txt").write_text("x")
    assert [p.hash for p in open_folder(tmp_path)] == [picture(1).hash, picture(2).hash]


def test_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no picture"):
        open_folder(tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        open_folder(tmp_path / "missing")
