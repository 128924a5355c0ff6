"""The run folder as the report reads it: optional files may be absent, none may be damaged."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from unsee.nouns import UserError
from unsee.reports.atomic import write_atomic

RECORD_KEYS = ("model", "question", "prompt", "reply", "split", "status")
EXAMPLE_KEYS = ("id", "role", "prompt", "answer")


@dataclass(frozen=True)
class RunData:
    """Everything the report knows, as read; nothing is redacted or cleaned yet.

    Attributes:
        path: The run folder.
        config: ``run.yaml``.
        environment: ``environment.json``; empty when absent.
        results: ``results.json``.
        cost: ``cost.json``; empty when absent.
        steps: Lines of ``train.jsonl``.
        records: Lines of ``records.jsonl``.
        examples: Lines of ``examples.jsonl``.
    """

    path: Path
    config: Mapping[str, Any]
    environment: Mapping[str, Any]
    results: Mapping[str, Any]
    cost: Mapping[str, Any]
    steps: Sequence[Mapping[str, Any]]
    records: Sequence[Mapping[str, Any]]
    examples: Sequence[Mapping[str, Any]]

    @property
    def concept(self) -> Mapping[str, Any]:
        """Name, kind and aliases of the concept, from the results or else from the configuration."""
        stated = self.results.get("concept") or {}
        return {
            "name": str(stated.get("name") or self.config.get("name") or "the concept"),
            "kind": str(stated.get("kind") or self.config.get("kind") or "concept"),
            "aliases": [str(a) for a in (*_list(stated.get("aliases")), *_list(self.config.get("alias")))],
            "id": str(stated.get("id") or ""),
        }

    def picture(self, picture: str) -> Path | None:
        """The stored thumbnail of a picture hash, when there is one."""
        if not picture.isalnum():
            return None
        file = self.path / "pictures" / f"{picture}.png"
        return file if file.is_file() else None


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def read_run(path: Path) -> RunData:
    """Reads a run folder.

    Raises:
        UserError: No run folder, an unfinished run (no results yet), or a damaged file.
    """
    if not (path / "run.yaml").is_file():
        raise _wrong(
            path, "This is not a run folder.", "a folder with run.yaml", "give the folder named by --out"
        )
    if not (path / "results.json").is_file():
        raise _wrong(
            path, "This run has no results yet.", "results.json", "run the same command again to finish it"
        )
    results = _object(path / "results.json")
    _check_models(path / "results.json", results)
    environment = _object(path / "environment.json", optional=True)
    _check_trained(path / "environment.json", environment.get("trained") or [])
    return RunData(
        path=path,
        config=_config(path / "run.yaml"),
        environment=environment,
        results=results,
        cost=_object(path / "cost.json", optional=True),
        steps=_lines(path / "train.jsonl", ("step",)),
        records=_lines(path / "records.jsonl", RECORD_KEYS),
        examples=_lines(path / "examples.jsonl", EXAMPLE_KEYS),
    )


def _wrong(path: Path, what: str, expected: str, remedy: str) -> UserError:
    return UserError(what, got=path, expected=expected, remedy=remedy)


def _damaged(where: str, expected: str) -> UserError:
    remedy = "restore the file, or run the same command again in a new folder"
    return UserError("A file of the run is damaged.", got=where, expected=expected, remedy=remedy)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(str(path), "a readable UTF-8 file") from error


def _config(path: Path) -> Mapping[str, Any]:
    try:
        value = yaml.safe_load(_text(path))
    except yaml.YAMLError as error:
        raise _damaged(str(path), "YAML") from error
    if not isinstance(value, dict):
        raise _damaged(str(path), "a YAML mapping")
    return value


def _json(text: str, where: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(where, "JSON") from error
    if not isinstance(value, dict):
        raise _damaged(where, "a JSON object")
    return value


def _object(path: Path, *, optional: bool = False) -> dict[str, Any]:
    return {} if optional and not path.exists() else _json(_text(path), str(path))


def _lines(path: Path, keys: Sequence[str]) -> list[dict[str, Any]]:
    """Whole lines of a JSON-lines file; a last line torn by a kill (no line feed) is left out."""
    if not path.exists():
        return []
    whole = _text(path).split("\n")[:-1]
    rows = [_json(line, f"{path}, line {n}") for n, line in enumerate(whole, 1) if line.strip()]
    for n, row in enumerate(rows, 1):
        missing = [key for key in keys if key not in row]
        if missing:
            raise _damaged(f"{path}, row {n}", f"the keys {', '.join(missing)}")
    return rows


def _check_models(path: Path, results: Mapping[str, Any]) -> None:
    models = results.get("models")
    if results.get("schema") != 1 or not isinstance(models, dict):
        raise _damaged(str(path), 'results of schema 1 with the key "models"')
    for name, metrics in models.items():
        if not isinstance(metrics, dict):
            raise _damaged(f"{path}, model {name}", "a mapping from metric to score")
        for metric, score in metrics.items():
            if not isinstance(score, dict) or not _numbers(score):
                raise _damaged(f"{path}, {name}, {metric}", "numbers value, low, high, n")


def _check_trained(path: Path, rows: object) -> None:
    """Rows of the table of trained weights: {"role", "trained", "total"} or [role, trained, total]."""
    for row in rows if isinstance(rows, list) else [rows]:
        counts = (row.get("trained"), row.get("total")) if isinstance(row, dict) else _list(row)[1:3]
        if len(counts) != 2 or not all(isinstance(count, int) for count in counts):
            raise _damaged(f"{path}, trained", "rows with role, trained and total")


def _numbers(score: Mapping[str, Any]) -> bool:
    values = [score.get(key) for key in ("value", "low", "high", "n")]
    return all(v is None or (isinstance(v, int | float) and not isinstance(v, bool)) for v in values)


def write_text(path: Path, text: str) -> Path:
    """Writes a UTF-8 file so that a kill leaves either the old file or the new one."""
    write_atomic(path, text.encode("utf-8"))
    return path
