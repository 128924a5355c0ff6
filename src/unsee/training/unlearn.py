"""One way into every method: training, editing weights, or a hook."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from unsee.methods.context import Context
from unsee.methods.parts import Method, Prepared
from unsee.models.adapters import attach, detach
from unsee.models.changes import weight_changes
from unsee.models.load import VLM
from unsee.models.processes import gathered
from unsee.nouns import Example, UserError
from unsee.packs.cost import Cost
from unsee.packs.features import FeatureCache
from unsee.training.losses import TrainingStopped
from unsee.training.names import banned_ids
from unsee.training.runs import OnStep
from unsee.training.settings import TrainSettings
from unsee.training.trainer import TrainResult, train


@dataclass(frozen=True)
class Unlearned:
    """What :func:`unlearn` leaves behind.

    Attributes:
        vlm: The unlearned model: an adapter, edited weights or a hook on it.
        notes: What the method chose or changed, for the records.
        training: The course of the training, if there was one.
    """

    vlm: VLM
    notes: Mapping[str, Any] = field(default_factory=dict)
    training: TrainResult | None = None


@dataclass(frozen=True)
class Work:
    """The target and the rows of a run, and how to train.

    Attributes:
        vlm: The target, a plain model.
        examples: Rows of any role with unique ids.
        settings: Numbers.
        folder: Run folder.
        names: Names of the concept.
        gold: The gold model, for methods with a gold teacher.
        cost: Counters to add to.
        on_step: Called with each new line of ``train.jsonl``.
        on_attached: Called with the model before anything is trained or edited, its scope attached.
    """

    vlm: VLM
    examples: Sequence[Example]
    settings: TrainSettings
    folder: Path
    names: tuple[str, ...] = ()
    gold: VLM | None = None
    cost: Cost = field(default_factory=Cost)
    on_step: OnStep | None = None
    on_attached: Callable[[VLM], None] | None = None

    def context(self, vlm: VLM) -> Context:
        """What a method may look at."""
        settings = self.settings
        names = banned_ids(vlm.tokenizer, settings.vocabulary)
        vlm.model.requires_grad_(False)  # a freshly loaded model asks for gradients everywhere
        features = FeatureCache(vlm)
        return Context(
            vlm,
            self.examples,
            settings.scope,
            settings.seed,
            self.train_another,
            banned=names(self.names) if self.names else frozenset(),
            names=self.names,
            pack_tokens=settings.pack_tokens,
            forward_tokens=settings.forward_tokens,
            features=features if features.usable else None,
            cost=self.cost,
        )

    def train_another(self, method: Method, name: str) -> Mapping[str, Tensor]:
        """Trains another method in a folder of its own and returns the change of each weight."""
        done = replace(self, folder=self.folder / "checkpoints" / name, on_step=None, on_attached=None).train(
            method
        )
        changes = weight_changes(done.vlm)
        detach(done.vlm)
        return changes

    def train(self, method: Method, prepared: Prepared | None = None) -> TrainResult:
        """Trains a method on the rows."""
        scope = None if prepared is None else prepared.scope
        settings = self.settings if scope is None else replace(self.settings, scope=scope)
        return train(
            self.vlm,
            method,
            self.examples,
            settings,
            self.folder,
            self.on_step,
            on_attached=self.on_attached,
            gate=None if prepared is None else prepared.gate,
            gold=self.gold,
            cost=self.cost,
        )


def unlearn(method: Method, work: Work) -> Unlearned:
    """Applies a method.

    Raises:
        UserError: The method needs rows or a gold model that are not there, or the scope does not fit.
        TrainingStopped: NaN or infinity in a loss or gradient.
    """
    check_needs(method, work.examples, work.gold is not None)
    if method.hook is not None:
        with work.cost.measure():
            hook = method.hook(work.context(work.vlm))
        return Unlearned(hook.install(work.vlm), {"hook": hook.name})
    if method.edit is not None:
        return _edit(method, work)
    prepared = Prepared(method)
    if method.prepare is not None:
        with work.cost.measure():
            prepared = method.prepare(work.context(work.vlm))
        _check_alike(prepared)
    done = work.train(prepared.method, prepared)
    return Unlearned(done.vlm, prepared.notes, done)


def _check_alike(prepared: Prepared) -> None:
    """Every process has looked at the target; what they chose to train must be the same weights.

    Raises:
        TrainingStopped: It is not.
    """
    masks = {} if prepared.gate is None else prepared.gate.masks
    chosen = (repr(prepared.scope), *(f"{name} {int(mask.sum())}" for name, mask in masks.items()))
    if len(set(gathered(chosen))) > 1:
        raise TrainingStopped(
            "The processes chose different weights to train: their graphics cards round differently. "
            "Start with one process."
        )


def _edit(method: Method, work: Work) -> Unlearned:
    assert method.edit is not None
    parts = method.edit_scope or work.settings.scope.parts
    scope = replace(work.settings.scope, parts=parts, full=True)
    with work.cost.measure():
        vlm = attach(work.vlm, scope, seed=work.settings.seed)
        if work.on_attached is not None:
            work.on_attached(vlm)
        vlm.model.requires_grad_(False)
        notes = method.edit(work.context(vlm))
    return Unlearned(vlm, notes)


def check_needs(method: Method, examples: Sequence[Example], gold: bool) -> None:
    """Refuse a method that lacks rows it cannot do without, or its gold model.

    Raises:
        UserError: Says what is missing and how to give it.
    """
    there = {example.role for example in examples}
    for role, reason in method.needs.items():
        if role not in there:
            raise UserError(
                f"{method.name} cannot do without rows of the kind {role}: {reason}.",
                got=", ".join(sorted(there)) or "no rows",
                expected=f"at least one row of the kind {role}",
                remedy="give pictures that do not show the concept with --retain, or choose another method",
            )
    check_gold(method, gold)


def check_gold(method: Method, there: bool) -> None:
    """Refuse a method with a gold teacher when there is no gold model.

    Raises:
        UserError: There is none.
    """
    if not there and any(teacher.model == "gold" for teacher in method.teachers):
        raise UserError(
            f"{method.name} compares with a gold model, and there is none.",
            got="no gold model",
            expected="a model that was trained without the concept",
            remedy="train one with unsee train gold and give --set gold=FOLDER, or choose the "
            "target as reference",
        )
