"""The run folder: made, locked, found again, and never mixed with another run.

A folder belongs to the run whose resolved configuration lies in its ``run.yaml``. The same command
again continues it; any other command is refused before work. The lock lies on ``log.txt``; the system
releases it when the process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from unsee.config import RunConfig, build, read_mapping
from unsee.jobs.lines import Lines, read_json, unfinished, write_atomic, write_json
from unsee.jobs.repeat import header
from unsee.models.processes import agreed, check_joined, count, from_leader, leads
from unsee.nouns import Picture, UserError, shorten

RUN = "run.yaml"
LOG = "log.txt"
RECORD_KEY = ("model", "question")
FAILED = "failed.json"
STARTED = (LOG, FAILED, "environment.json")
LONGEST_MESSAGE = 2000
log = logging.getLogger("unsee")


class InUse(UserError):
    """Another process is working in the folder."""


@dataclass(frozen=True)
class RunFolder:
    """One run on disk: the paths of its files and the ways to write them.

    Attributes:
        path: Where it lies.
        copy_of: In a process that does not lead: the run's own folder. ``path`` is then a copy that is thrown
            away, so that every process finds what the leader finds and the leader alone writes.
    """

    path: Path
    copy_of: Path | None = None

    @property
    def own(self) -> Path:
        """The run's own folder, in every process."""
        return self.copy_of or self.path

    @property
    def adapter(self) -> Path:
        """What the method produced."""
        return self.own / "adapter"

    @property
    def checkpoints(self) -> Path:
        """Training state of a run that is not finished."""
        return self.own / "checkpoints"

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
        write_atomic(self.path / RUN, header(config, str(inputs.get("job", "forget"))) + config.as_yaml())


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
    with held(path, lambda: check_free(path, config)) as folder, _logged(folder.path / LOG):
        yield folder


@contextmanager
def held(path: Path, check: Callable[[], None]) -> Iterator[RunFolder]:
    """Makes or finds the folder and keeps other commands out of it until the block ends.

    Args:
        path: Where it lies.
        check: Refuses a folder that is not for this run; asked by the leader before anything is written.

    Raises:
        UserError: What ``check`` raises, or in use by another command.
    """
    with ExitStack() as stack:
        with agreed():
            if leads():
                check()
                path.mkdir(parents=True, exist_ok=True)
                stack.enter_context(locked(path / LOG))
        yield stack.enter_context(_in_each_process(path))


@contextmanager
def _in_each_process(path: Path) -> Iterator[RunFolder]:
    """The folder; in processes that do not lead, a copy of its files as they are now."""
    if count() == 1:
        yield RunFolder(path)
        return
    files = from_leader(lambda: {f.name: f.read_bytes() for f in path.iterdir() if f.is_file()})
    if leads():
        yield RunFolder(path)
        return
    with TemporaryDirectory(prefix="unsee-") as copy:
        for name, content in files.items():
            (Path(copy) / name).write_bytes(content)
        yield RunFolder(Path(copy), copy_of=path)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Keeps other processes out until the block, or this process, ends.

    Raises:
        InUse: One is in it already.
        UserError: The file system has no locks.
    """
    check_joined()
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            raise InUse(
                "Another process is working in this folder.",
                got=file.parent,
                expected="one process per run folder",
                remedy="wait for it, or choose another --out",
            ) from error
        except OSError as error:
            raise UserError(
                "The file system of this folder has no file locks.",
                got=f"{file.parent}: {error.strerror}",
                expected="a folder in which processes can keep each other out",
                remedy="choose another --out, or have the file system mounted with locks",
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
    if leads():
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


def check_new(path: Path) -> None:
    """Refuses a folder that holds anything, or a file of that name."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UserError(
            "The folder to write exists already.",
            got=path,
            expected="a new or an empty folder",
            remedy="choose another --out",
        )


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Where to write a folder that is not there yet; it takes its place once all of it is written."""
    fresh = path.with_name(f".{path.name}.writing")
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(fresh, ignore_errors=True)
    yield fresh
    if path.exists():
        path.rmdir()
    os.replace(fresh, path)


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
