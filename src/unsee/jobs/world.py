"""The embedded world handed over as files that other tools read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from unsee.config import nearest
from unsee.jobs.folder import appearing, check_new
from unsee.nouns import UserError
from unsee.suites.mmubench import ours, released
from unsee.suites.mmubench.data import Entry


def _mmubench(write: Callable[[Entry, Path], None]) -> Callable[[Path], None]:
    """A writer of the embedded MMUBench, one folder per concept."""

    def export(folder: Path) -> None:
        from unsee.world.mmubench import embedded_benchmark

        for entry in embedded_benchmark().entries:
            write(entry, folder / entry.id)

    return export


def _mllmu(nested: bool) -> Callable[[Path], None]:
    """A writer of the embedded MLLMU-Bench, its splits drawn for each ratio anew or nested."""

    def export(folder: Path) -> None:
        from unsee.world import mllmu

        mllmu.export(folder, nested=nested)

    return export


FORMATS: Mapping[str, Callable[[Path], None]] = {
    "mmubench": _mmubench(released.write),
    "mmubench-ours": _mmubench(ours.write),
    "mllmu": _mllmu(nested=False),
    "mllmu-nested": _mllmu(nested=True),
}
"""Format -> what writes it into a new folder."""


def export(folder: Path, form: str) -> Path:
    """Writes the embedded world in a format; the folder appears when all of it is written.

    Args:
        folder: New or empty.
        form: A key of ``FORMATS``.

    Raises:
        UserError: There is no such format, or the folder holds files.
    """
    if form not in FORMATS:
        match = nearest(form, list(FORMATS))
        raise UserError(
            "There is no such format.",
            got=form,
            expected=", ".join(FORMATS),
            remedy=f"did you mean {match}?" if match else "choose one of them",
        )
    check_new(folder)
    with appearing(folder) as fresh:
        fresh.mkdir()
        FORMATS[form](fresh)
    return folder
