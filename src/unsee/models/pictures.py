"""Pictures: files are checked before they are decoded, and a picture is known by its pixels.

A picture that cannot be used is refused here, with what was wrong, so that no later room has to ask.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from unsee.nouns import Picture, UserError

MAX_PIXELS = 50_000_000
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm"})
EXPECTED = f"one still picture (PNG, JPEG, WebP, BMP or TIFF) of at most {MAX_PIXELS // 1_000_000} megapixels"


def open_picture(path: str | Path) -> Picture:
    """The picture in a file, EXIF orientation applied, as RGB.

    Args:
        path: A picture file.

    Raises:
        UserError: The file is missing, not a file, empty, not an image, damaged or cut short, animated, or
            larger than 50 megapixels. Size and frames are read from the header, before any pixel is decoded.
    """
    file = Path(path)
    _check_file(file)
    read = partial(_decode, file)
    return Picture(hash=_hash(read()), read=read, path=str(path))


def from_image(image: Image.Image) -> Picture:
    """A picture held in memory; later changes to ``image`` do not reach it."""
    copy = image.convert("RGB") if image.mode != "RGB" else image.copy()
    return Picture(hash=_hash(copy), read=_reader(copy))


def open_folder(path: str | Path) -> list[Picture]:
    """Every picture of a folder, sorted by file name; files without an image suffix are passed over.

    Raises:
        UserError: The folder is missing or holds no picture, or one of its pictures cannot be used.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise UserError(
            "no such folder of pictures",
            got=path,
            expected="a folder that holds picture files",
            remedy="check the path",
        )
    files = sorted(f for f in folder.iterdir() if f.suffix.lower() in SUFFIXES)
    if not files:
        raise UserError(
            "the folder holds no picture",
            got=path,
            expected="files ending in " + ", ".join(sorted(SUFFIXES)),
            remedy="put at least one picture into the folder or give another folder",
        )
    return [open_picture(file) for file in files]


def _refuse(what: str, path: Path, remedy: str) -> UserError:
    return UserError(what, got=path, expected=EXPECTED, remedy=remedy)


def _check_file(path: Path) -> None:
    if not path.exists():
        raise _refuse("no such picture file", path, "check the path")
    if not path.is_file():
        raise _refuse("the picture is not a file", path, "give one picture file, not a folder or a device")
    if path.stat().st_size == 0:
        raise _refuse("the picture file is empty", path, "copy or export the picture again")


def _decode(path: Path) -> Image.Image:
    try:
        # ``Image.open`` reads the header only. Above its own limit Pillow warns, above twice that it refuses;
        # ours is lower than both.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            opened = Image.open(path)
        with opened as image:
            _check_header(image, path)
            image.load()
            upright = ImageOps.exif_transpose(image)
            return upright.convert("RGB")
    except Image.DecompressionBombError as error:
        raise _refuse("the picture is too large", path, "scale the picture down first") from error
    except UnidentifiedImageError as error:
        raise _refuse("the file is not a picture", path, "convert it to PNG or JPEG") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        if isinstance(error, UserError):
            raise
        raise _refuse(
            f"the picture is damaged ({error})", path, "copy or export the picture again"
        ) from error


def _check_header(image: Image.Image, path: Path) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _refuse(f"the picture is too large ({width} x {height})", path, "scale the picture down first")
    if getattr(image, "n_frames", 1) > 1:
        raise _refuse("the picture is animated or has several pages", path, "save one frame as PNG or JPEG")


def _hash(image: Image.Image) -> str:
    digest = hashlib.sha256(f"{image.width}x{image.height}".encode())
    digest.update(image.tobytes())
    return digest.hexdigest()


def _reader(image: Image.Image) -> Callable[[], Image.Image]:
    return lambda: image.copy()
