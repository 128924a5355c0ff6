"""The run folder: made, locked, found again, and never mixed with another run.

A folder belongs to the run whose resolved configuration lies in its ``run.yaml``. The same command
again continues it; any other command is refused before work. The lock lies on ``log.txt``; the system
releases it when the process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.config import RunConfig, build, read_mapping
from unsee.jobs.lines import Lines, read_json, unfinished, write_atomic, write_json
from unsee.nouns import Picture, UserError, shorten

RUN = "run.yaml"
LOG = "log.txt"
RECORD_KEY = ("model", "question")
FAILED = "failed.json"
STARTED = (LOG, FAILED, "environment.json")
LONGEST_MESSAGE = 2000
log = logging.getLogger("unsee")


@dataclass(frozen=True)
class RunFolder:
    """One run on disk: the paths of its files and the ways to write them."""

    path: Path

    @property
    def adapter(self) -> Path:
        """What the method produced."""
        return self.path / "adapter"

    @property
    def checkpoints(self) -> Path:
        """Training state of a run that is not finished."""
        return self.path / "checkpoints"

    @property
    def report(self) -> Path:
        """The report."""
        return self.path / "report.html"

    def records(self) -> Lines:
        """``records.jsonl``; a line is found again by model and question."""
        return Lines(self.path / "records.jsonl", RECORD_KEY)

    def write(self, name: str, value: Any) -> None:
        """Writes a JSON file of the run."""
        write_json(self.path / name, value)

    def read(self, name: str) -> Any:
        """Reads a JSON file of the run; None when it is not there yet."""
        file = self.path / name
        return read_json(file) if file.exists() else None

    def store_picture(self, picture: Picture, size: int = 256) -> None:
        """Keeps a PNG of at most ``size`` pixels a side under ``pictures/<hash>.png``."""
        file = self.path / "pictures" / f"{picture.hash}.png"
        if not file.exists():
            image = picture.read().convert("RGB")
            image.thumbnail((size, size))
            write_atomic(file, _png(image), durable=False)

    def claim(self, config: RunConfig, environment: Mapping[str, Any]) -> None:
        """Makes the folder belong to this run.

        Args:
            config: The resolved configuration.
            environment: Content of ``environment.json``; its ``inputs`` are the hashes of what was read.

        Raises:
            UserError: The folder holds another run, or the same command on changed files.
        """
        check_free(self.path, config)
        inputs = dict(environment["inputs"])
        earlier = (self.read("environment.json") or {}).get("inputs", inputs)
        if earlier != inputs:
            changed = sorted(k for k in {*earlier, *inputs} if earlier.get(k) != inputs.get(k))
            raise UserError(
                "The folder holds a run on other inputs.",
                got=f"{self.path}: {', '.join(changed)}",
                expected="the same job, model and pictures as when it began",
                remedy="choose a new folder with --out",
            )
        self.write("environment.json", dict(environment))
        write_atomic(self.path / RUN, HEADER + config.as_yaml())


HEADER = "# Repeat this run: unsee forget --config run.yaml --out ANOTHER_FOLDER\n"


def read_config(folder: Path) -> RunConfig:
    """The resolved configuration of a run.

    Raises:
        UserError: The folder is not a run folder.
    """
    if not (folder / RUN).is_file():
        raise UserError(
            "This is not a run folder.",
            got=folder,
            expected=f"a folder that holds {RUN}",
            remedy="give the folder that unsee forget --out wrote",
        )
    return build(read_mapping(folder / RUN))


def check_free(path: Path, config: RunConfig) -> None:
    """Refuses, writing nothing, a folder that cannot be written or that holds something else."""
    check_writable(path)
    if not path.exists():
        return
    if (path / RUN).is_file():
        if read_config(path).identity != config.identity:
            raise UserError(
                "The output folder holds another run.",
                got=f"{path} ({difference(read_config(path), config)})",
                expected="a new folder, or the folder of the same command",
                remedy="choose another --out, or delete that folder",
            )
        return
    names = sorted(entry.name for entry in path.iterdir())
    foreign = [name for name in names if name not in STARTED and not unfinished(name)]
    if foreign:
        raise UserError(
            "The output folder holds other files.",
            got=f"{path}: {', '.join(foreign[:3])}",
            expected="a new or an empty folder",
            remedy="choose another --out",
        )


def difference(first: RunConfig, second: RunConfig) -> str:
    """The first keys whose values differ, for an error message."""
    left, right = _flat(first.model_dump(mode="json")), _flat(second.model_dump(mode="json"))
    names = [key for key in left | right if left.get(key) != right.get(key) and key != "out"]
    shown = [f"{key}: {left.get(key)!r} there, {right.get(key)!r} here" for key in names[:2]]
    return "; ".join(shown)


@contextmanager
def open_run(path: Path, config: RunConfig) -> Iterator[RunFolder]:
    """Makes or finds the folder, locks it and writes its log until the block ends.

    Raises:
        UserError: Not writable, another run, or in use by another process.
    """
    check_free(path, config)
    path.mkdir(parents=True, exist_ok=True)
    with locked(path / LOG), _logged(path / LOG):
        yield RunFolder(path)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Keeps other processes out until the block, or this process, ends.

    Raises:
        UserError: One is in it already.
    """
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UserError(
                "Another process is working in this folder.",
                got=file.parent,
                expected="one process per run folder",
                remedy="wait for it, or choose another --out",
            ) from error
        yield
    finally:
        os.close(handle)


@contextmanager
def _logged(file: Path) -> Iterator[None]:
    handler = logging.FileHandler(file, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(message)s"))
    shown = logging.StreamHandler()
    shown.setFormatter(_OneLine("warning: %(message)s"))
    shown.addFilter(lambda record: record.levelno == logging.WARNING)
    level, propagate = log.level, log.propagate
    log.addHandler(handler)
    log.addHandler(shown)
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        yield
    except UserError as error:
        log.error("refused: %s", error)
        raise
    except Exception:
        log.exception("failed")
        raise
    finally:
        log.removeHandler(handler)
        log.removeHandler(shown)
        log.setLevel(level)
        log.propagate = propagate
        handler.close()


def check_writable(path: Path) -> None:
    """Refuses, writing nothing, a folder that cannot be made or written."""
    existing = path
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise UserError(
            "The output folder cannot be written.",
            got=path,
            expected="a folder that you may write",
            remedy="choose another --out, or change its permissions",
        )


class _OneLine(logging.Formatter):
    """Messages hold names and replies: one line each, control characters escaped."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return shorten(super().formatMessage(record), LONGEST_MESSAGE)


def _png(image: Any) -> bytes:
    from io import BytesIO

    buffer = BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat
