"""The training stage: rows in, adapter in the run folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unsee.config import RunConfig
from unsee.jobs.folder import RunFolder, log
from unsee.methods.decoupling import with_decoupling
from unsee.methods.parts import Method
from unsee.methods.registry import get
from unsee.models.adapters import detach, save_adapter, trained_table
from unsee.models.load import VLM
from unsee.models.processes import from_leader
from unsee.models.scopes import Scope
from unsee.training.settings import TrainSettings
from unsee.training.unlearn import Work, unlearn


def unlearn_and_save(method: Method, work: Work, folder: RunFolder) -> Mapping[str, Any]:
    """Applies the method, or goes on where it was stopped, and saves the adapter, edit or hook.

    Returns:
        What the method chose, and which point of the training was kept.
    """
    done = unlearn(method, work)
    notes = dict(done.notes)
    if done.training is not None:
        course = done.training
        log.info("%d steps of %d, resumed from step %d", course.steps, course.planned, course.resumed_from)
        if course.collapsed:
            log.warning("the model lost the rows that it should keep; a lower --set training.lr may help")
        if work.settings.select == "best":
            log.info("kept the model of step %d", course.kept)
            notes["kept_step"] = course.kept
    for name, value in notes.items():
        log.info("%s: %s", name, value)
    from_leader(lambda: save_adapter(done.vlm, folder.adapter))
    detach(done.vlm)
    return notes


def show_scope(vlm: VLM) -> list[dict[str, Any]]:
    """Logs how many weights move in each role; called before the first step."""
    table = [row for row in trained_table(vlm) if row.trained]
    for row in table:
        log.info("trains in %s: %d weights beside %d", row.role, row.trained, row.total)
    return [row._asdict() for row in table]


def method_of(config: RunConfig) -> Method:
    """The method of a configuration, with prompt decoupling added where it asks for it."""
    method = get(config.method, config.knobs)
    weight = config.training.decoupling
    return with_decoupling(method, weight) if weight else method


def settings_of(config: RunConfig) -> TrainSettings:
    """The training settings of a configuration."""
    given = config.training
    return TrainSettings(
        scope=scope_of(config),
        passes=given.passes,
        batch=given.batch,
        anchors_per_step=given.anchors,
        lr=given.lr,
        schedule=given.schedule,
        warmup=given.warmup,
        weight_decay=given.weight_decay,
        clip=given.clip,
        save_every=given.save_every,
        probe_every=given.probe_every,
        stop_on_collapse=given.stop_on_collapse,
        select=given.select,
        checkpointing=given.checkpointing,
        forward_tokens=given.forward_tokens,
        shard=given.shard,
        report_to=given.report_to,
        vocabulary=config.data.vocabulary,
        seed=config.seed,
    )


def scope_of(config: RunConfig) -> Scope:
    """The scope of a configuration.

    Raises:
        UserError: An unknown part of a model.
    """
    given = config.scope
    return Scope(
        parts=given.parts, rank=given.rank, alpha=given.alpha, dropout=given.dropout, full=given.full
    )
