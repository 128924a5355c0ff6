"""The training stage: rows in, adapter in the run folder."""

from __future__ import annotations

from collections.abc import Sequence

from unsee.config import RunConfig
from unsee.jobs.folder import RunFolder, log
from unsee.methods.parts import Method
from unsee.models.adapters import detach, save_adapter, trained_table
from unsee.models.load import VLM
from unsee.models.scopes import Scope
from unsee.nouns import Example
from unsee.packs.cost import Cost
from unsee.training.settings import TrainSettings
from unsee.training.trainer import train


def train_adapter(
    vlm: VLM,
    method: Method,
    examples: Sequence[Example],
    config: RunConfig,
    folder: RunFolder,
    cost: Cost,
) -> VLM:
    """Trains, or goes on training, and saves the adapter.

    Returns:
        The target, its adapter taken off again.
    """
    done = train(vlm, method, examples, settings_of(config), folder.path, cost=cost)
    log.info("%d steps of %d, resumed from step %d", done.steps, done.planned, done.resumed_from)
    for row in trained_table(done.vlm):
        if row.trained:
            log.info("trained in %s: %d weights beside %d", row.role, row.trained, row.total)
    if done.collapsed:
        log.warning("the model lost the rows that it should keep; a lower --set training.lr may help")
    save_adapter(done.vlm, folder.adapter)
    return detach(done.vlm)


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
        checkpointing=given.checkpointing,
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
