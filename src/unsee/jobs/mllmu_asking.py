"""A model answers MLLMU-Bench; every finished question is a line of a records file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict

from unsee.jobs.folder import log
from unsee.jobs.lines import Lines
from unsee.jobs.progress import bar
from unsee.models.load import VLM
from unsee.models.processes import leads
from unsee.nouns import Record
from unsee.packs.cost import Cost
from unsee.suites.mllmu.asks import Ask
from unsee.suites.mllmu.presets import Preset
from unsee.suites.mllmu.run import PORTION, ask_all


def ask_missing(
    vlm: VLM,
    preset: Preset,
    asks: Sequence[Ask],
    label: str,
    lines: Lines,
    *,
    batch: int,
    counted: AbstractContextManager[Cost],
    same: Mapping[str, str] | None = None,
) -> None:
    """Adds the records that are missing, each with the hash of its picture.

    Args:
        vlm: The model.
        preset: The protocol.
        asks: Its questions, as asked or under a control condition.
        label: What records call the model.
        lines: Where they go.
        batch: Questions decoded together.
        counted: Counters to add to; entered only when there is something to ask.
        same: Further fields of every line, which the key of ``lines`` may name.
    """
    told = dict(same or {})
    done = {a.id for a in asks if _key(lines, {**told, "model": label, "question": a.id}) in lines}
    if len(done) == len(asks):
        return
    log.info("asking %s", label)
    missing = len(asks) - len(done) if leads() else 0
    shown = {a.id: None if a.picture is None else a.picture.hash for a in asks}
    with counted as cost, bar(f"asking {label}", missing) as advance:

        def keep(records: Sequence[Record]) -> None:
            lines.append({**asdict(r), **told, "picture": shown[r.question]} for r in records)
            advance(len(records))

        ask_all(
            vlm,
            preset,
            asks,
            label,
            done=done,
            on_records=keep,
            batch_size=batch,
            size=PORTION,
            cost=cost,
        )


def _key(lines: Lines, fields: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(fields[name] for name in lines.key)
