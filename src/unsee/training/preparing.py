"""What a training run works with, made ready before its first step: rows, plan, features, teachers, probe."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unsee.methods.parts import Method
from unsee.models.adapters import trained_table
from unsee.models.load import VLM
from unsee.nouns import Example
from unsee.packs.cost import Cost
from unsee.packs.features import FeatureCache
from unsee.packs.rows import make_rows
from unsee.training.losses import everywhere_roles
from unsee.training.names import banned_ids
from unsee.training.plan import paired_roles, plan_steps
from unsee.training.probes import ProbePoint, make_probe
from unsee.training.reference import make_reference
from unsee.training.runs import Run
from unsee.training.settings import TrainSettings
from unsee.training.sharding import is_sharded


def prepare(
    vlm: VLM,
    method: Method,
    chosen: Sequence[Example],
    examples: Sequence[Example],
    settings: TrainSettings,
    folder: Path,
    cost: Cost,
    gold: VLM | None,
) -> Run:
    """Rows, plan, vision features, teachers and probe; nothing here depends on how far training is."""
    rows = make_rows(vlm, chosen, banned=banned_ids(vlm.tokenizer, settings.vocabulary))
    plan = plan_steps(
        rows,
        batch=settings.batch,
        anchors=settings.anchors_per_step,
        passes=settings.passes,
        seed=settings.seed,
        paired=paired_roles(method),
    )
    features = _encode_pictures(vlm, examples, cost)
    sizes: dict[str, Any] = {
        "pack_tokens": settings.pack_tokens,
        "forward_tokens": settings.forward_tokens,
        "features": features,
        "cost": cost,
    }
    sharded = is_sharded(settings)
    used = [rows[i] for i in plan.used()]
    teachers = {}
    for teacher in sorted(method.teachers, key=repr):
        taught = [term for term in method.terms if term.teacher == teacher]
        asked = frozenset().union(*(term.roles for term in taught))
        teachers[teacher] = make_reference(
            vlm,
            [row for row in used if row.role in asked],
            max_bytes=settings.reference_bytes
            if not sharded
            else sys.maxsize,  # shards have no "adapter off"
            teacher=teacher,
            examples=chosen,
            layers=method.layers,
            everywhere=everywhere_roles(taught),
            gold=gold,
            **sizes,
        )
    probe = None
    if settings.probe_every:
        limits: dict[str, Any] = {"limit": settings.probe_rows, "spoken": settings.probe_replies}
        probe = make_probe(vlm, examples, collapse=settings.collapse, **limits, **sizes)
    run = Run(vlm, method, rows, plan, teachers, settings, folder, probe, features, cost)
    run.sharded = sharded
    return run


def _encode_pictures(vlm: VLM, examples: Sequence[Example], cost: Cost) -> FeatureCache | None:
    """Features of every picture, one after the other in order, when nothing of the vision part trains."""
    changing = {line.role for line in trained_table(vlm) if line.trained}
    if any(role.startswith(("vision", "projector")) for role in changing):
        return None
    features = FeatureCache(vlm)
    if features.usable:
        for picture in {e.picture.hash: e.picture for e in examples if e.picture}.values():
            features.features(vlm, [picture], cost=cost)
    return features


def restore_probe(run: Run) -> None:
    """The collapse guard compares with the first point of the whole run."""
    first = next((line["probe"] for line in run.lines if "probe" in line), None)
    if run.probe is not None and first is not None:
        run.probe.first = ProbePoint(**first)
