"""Training: what is needed is prepared, the loop over steps runs, and the unlearned model comes back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from unsee.methods.parts import Gate, Method
from unsee.models.adapters import attach, check_trainable
from unsee.models.load import VLM
from unsee.models.processes import from_leader
from unsee.nouns import Example, UserError, hash_text
from unsee.packs.cost import Cost
from unsee.training.checkpointing import checkpoints_activations, switch_checkpointing
from unsee.training.checkpoints import claim, keep_steps, last_complete, step_of
from unsee.training.gates import on_device
from unsee.training.loop import UnlearnTrainer
from unsee.training.preparing import prepare, restore_probe
from unsee.training.runs import CHECKPOINTS, Line, OnStep, Run
from unsee.training.selection import take_best
from unsee.training.settings import TrainSettings
from unsee.training.sharding import check_shards, is_sharded, split
from unsee.training.sharing import start_alike


@dataclass(frozen=True)
class TrainResult:
    """What :func:`train` leaves behind.

    Attributes:
        vlm: The unlearned model, its adapter on, in eval mode.
        steps: Optimiser steps done, earlier parts of a resumed run included.
        planned: Optimiser steps that were planned.
        resumed_from: Step at which a resumed run took up again; 0 for a fresh one.
        lines: The lines of ``train.jsonl``.
        collapsed: True when the last probe reports collapse.
        cost: What this call cost; a resumed run counts its own part.
        kept: The step whose weights the model has.
    """

    vlm: VLM
    steps: int
    planned: int
    resumed_from: int
    lines: tuple[Line, ...]
    collapsed: bool
    cost: Cost
    kept: int


def train(
    vlm: VLM,
    method: Method,
    examples: Sequence[Example],
    settings: TrainSettings,
    folder: str | Path,
    on_step: OnStep | None = None,
    *,
    on_attached: Callable[[VLM], None] | None = None,
    gate: Gate | None = None,
    gold: VLM | None = None,
    cost: Cost | None = None,
    progress: bool | None = None,
) -> TrainResult:
    """Attaches the scope, trains the method's rows and returns the unlearned model.

    Called again on the same folder with the same arguments it goes on from the last complete checkpoint and
    ends with the same weights, bit for bit on the same machine, as an undisturbed run.

    In several processes each calls it with the same arguments; they share the packs of every step. Only the
    leader writes. The number of processes may change between two calls.

    Args:
        vlm: The target, a plain model; its weights serve as the reference.
        method: From ``methods.registry.get``.
        examples: Rows of any role with unique ids; the method takes those it knows, the probe others too.
        settings: Numbers.
        folder: Run folder; ``train.jsonl`` and ``checkpoints/`` are written there.
        on_step: Called with each new line of ``train.jsonl``, in the leader.
        on_attached: Called with the model before the first step, its scope attached.
        gate: Entries of the weights that may move; None = all in the scope.
        gold: The gold model, for methods with a gold teacher.
        cost: Counters to add to.
        progress: Whether to draw a progress bar; None = only on a terminal.

    Raises:
        UserError: No row for the method, an adapter already attached, or a folder of another run.
        TrainingStopped: NaN or infinity in a loss or gradient.
    """
    cost = cost or Cost()
    with cost.measure():
        folder = Path(folder)
        chosen = _choose(method, examples)
        identity = identity_of(vlm, method, chosen, settings)
        from_leader(lambda: claim(folder / CHECKPOINTS, identity))
        vlm = attach(vlm, settings.scope, seed=settings.seed)
        check_trainable(vlm)
        start_alike(vlm.model)
        if on_attached is not None:
            on_attached(vlm)
        if is_sharded(settings):
            check_shards(vlm, method, gated=gate is not None)
        run = prepare(vlm, method, chosen, examples, settings, folder, cost, gold)
        run.gate = gate and on_device(gate, vlm)
        run.on_step = on_step
        resume = from_leader(lambda: last_complete(folder / CHECKPOINTS))
        run.lines = from_leader(lambda: keep_steps(run.log, step_of(resume) if resume else 0))
        restore_probe(run)
        shown = sys.stderr.isatty() if progress is None else progress
        cost.model_copies = max(cost.model_copies, bool(vlm.originals) + (gold is not None))
        again = from_leader(lambda: checkpoints_activations(vlm, settings, run.rows, cost))
        with _own_state(vlm, again), _parted(run) as run.vlm:
            trainer = UnlearnTrainer(run, progress=shown)
            trainer.train(resume_from_checkpoint=str(resume) if resume else None)
        run.vlm = vlm
        kept = take_best(run) if settings.select == "best" else int(trainer.state.global_step)
    steps = int(trainer.state.global_step)
    collapsed = any(line["probe"]["collapsed"] for line in run.lines[-1:] if "probe" in line)
    resumed = step_of(resume) if resume else 0
    return TrainResult(vlm, steps, run.steps, resumed, tuple(run.lines), collapsed, cost, kept)


def identity_of(vlm: VLM, method: Method, examples: Sequence[Example], settings: TrainSettings) -> str:
    """Hash of everything that decides the trained weights."""
    rows = [
        repr((e.id, e.prompt, e.answer, e.role, e.masked, e.names, e.picture.hash if e.picture else None))
        for e in examples
    ]
    decides = replace(settings, report_to=(), shard=None)
    return hash_text(vlm.weights_hash, method.name, repr(method.knobs), repr(decides), *rows)


def _choose(method: Method, examples: Sequence[Example]) -> list[Example]:
    trained = frozenset().union(*(term.roles for term in method.terms))
    chosen = [example for example in examples if example.role in trained]
    assert len({example.id for example in chosen}) == len(chosen), "ids of examples must be unique"
    if not chosen:
        raise UserError(
            f"There is no training row for {method.name}.",
            got=", ".join(sorted({example.role for example in examples})) or "no rows",
            expected=f"rows with a role among {', '.join(sorted(method.roles))}",
            remedy="make the rows with build_examples(..., roles=method.roles)",
        )
    return chosen


def _parted(run: Run) -> AbstractContextManager[VLM]:
    """The model as it is trained: split over the processes where that was asked for, else as it is."""
    return split(run.vlm) if run.sharded else nullcontext(run.vlm)


@contextmanager
def _own_state(vlm: VLM, checkpointing: bool) -> Iterator[None]:
    """What the Trainer changes outside the weights is put back, and the model returns in eval mode."""
    config = vlm.model.config
    use_cache = config.use_cache if hasattr(config, "use_cache") else None
    if checkpointing:
        switch_checkpointing(vlm, on=True)
    try:
        yield
    finally:
        if checkpointing:
            switch_checkpointing(vlm, on=False)
        if use_cache is None:
            vars(config).pop("use_cache", None)
        else:
            config.use_cache = use_cache
        vlm.model.eval()
        vlm.model.zero_grad(set_to_none=True)
