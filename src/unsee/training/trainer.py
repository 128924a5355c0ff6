"""Training: the transformers Trainer with our own step, order of rows, checkpoints and log."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import Dataset, SequentialSampler
from transformers import PrinterCallback, ProgressCallback, Trainer, TrainingArguments

from unsee.methods.parts import Gate, Method, pair_key
from unsee.models.adapters import attach, check_trainable, trained_table
from unsee.models.load import VLM
from unsee.nouns import Example, UserError, hash_text
from unsee.packs.cost import Cost
from unsee.packs.everywhere import forward_everywhere
from unsee.packs.features import FeatureCache
from unsee.packs.pack import Pack, build_packs, collate, share_forwards
from unsee.packs.rows import make_rows
from unsee.packs.tokens import forward
from unsee.training.checkpointing import checkpoints_activations
from unsee.training.checkpoints import claim, keep_steps, last_complete, step_of
from unsee.training.gates import HoldMasked, mask_gradients, on_device
from unsee.training.log import StepLog, StepState
from unsee.training.losses import StepLoss, TrainingStopped, everywhere_roles, start_step
from unsee.training.names import banned_ids
from unsee.training.plan import paired_roles, plan_steps, rows_of_turn
from unsee.training.probes import ProbePoint, make_probe
from unsee.training.reference import make_reference
from unsee.training.runs import CHECKPOINTS, Line, OnStep, Run
from unsee.training.selection import take_best
from unsee.training.settings import TrainSettings
from unsee.training.trackers import check_trackers

WEIGHTS = "trained.safetensors"


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

    Args:
        vlm: The target, a plain model; its weights serve as the reference.
        method: From ``methods.registry.get``.
        examples: Rows of any role with unique ids; the method takes those it knows, the probe others too.
        settings: Numbers.
        folder: Run folder; ``train.jsonl`` and ``checkpoints/`` are written there.
        on_step: Called with each new line of ``train.jsonl``.
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
        claim(folder / CHECKPOINTS, identity_of(vlm, method, chosen, settings))
        vlm = attach(vlm, settings.scope, seed=settings.seed)
        check_trainable(vlm)
        if on_attached is not None:
            on_attached(vlm)
        run = _prepare(vlm, method, chosen, examples, settings, folder, cost, gold)
        run.gate = gate and on_device(gate, vlm)
        run.on_step = on_step
        resume = last_complete(folder / CHECKPOINTS)
        run.lines = keep_steps(run.log, step_of(resume) if resume else 0)
        _restore_probe(run)
        shown = sys.stderr.isatty() if progress is None else progress
        cost.model_copies = max(cost.model_copies, bool(vlm.originals) + (gold is not None))
        with _own_state(vlm, checkpoints_activations(vlm, settings, run.rows, cost)):
            trainer = UnlearnTrainer(run, progress=shown)
            trainer.train(resume_from_checkpoint=str(resume) if resume else None)
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
    decides = replace(settings, report_to=())
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


def _prepare(
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
    used = [rows[i] for i in plan.used()]
    teachers = {}
    for teacher in sorted(method.teachers, key=repr):
        asked = frozenset().union(*(term.roles for term in method.terms if term.teacher == teacher))
        teachers[teacher] = make_reference(
            vlm,
            [row for row in used if row.role in asked],
            max_bytes=settings.reference_bytes,
            teacher=teacher,
            examples=chosen,
            layers=method.layers,
            gold=gold,
            **sizes,
        )
    probe = None
    if settings.probe_every:
        limits: dict[str, Any] = {"limit": settings.probe_rows, "spoken": settings.probe_replies}
        probe = make_probe(vlm, examples, collapse=settings.collapse, **limits, **sizes)
    return Run(vlm, method, rows, plan, teachers, settings, folder, probe, features, cost)


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


def _restore_probe(run: Run) -> None:
    """The collapse guard compares with the first point of the whole run."""
    first = next((line["probe"] for line in run.lines if "probe" in line), None)
    if run.probe is not None and first is not None:
        run.probe.first = ProbePoint(**first)


@contextmanager
def _own_state(vlm: VLM, checkpointing: bool) -> Iterator[None]:
    """What the Trainer changes outside the weights is put back, and the model returns in eval mode."""
    config = vlm.model.config
    use_cache = config.use_cache if hasattr(config, "use_cache") else None
    if checkpointing:
        _switch_checkpointing(vlm, on=True)
    try:
        yield
    finally:
        if checkpointing:
            _switch_checkpointing(vlm, on=False)
        if use_cache is None:
            vars(config).pop("use_cache", None)
        else:
            config.use_cache = use_cache
        vlm.model.eval()
        vlm.model.zero_grad(set_to_none=True)


def _switch_checkpointing(vlm: VLM, *, on: bool) -> None:
    """Activation checkpointing under its present name, or under the one that older transformers know."""
    new = hasattr(vlm.base, "activation_checkpointing_enable")
    name = "activation_checkpointing" if new else "gradient_checkpointing"
    if on:
        getattr(vlm.base, f"{name}_enable")(**{f"{name}_kwargs": {"use_reentrant": False}})
    else:
        getattr(vlm.base, f"{name}_disable")()


class _Steps(Dataset[int]):
    """The numbers of the steps; the rows are drawn by the plan."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> int:
        return step


def _only_item(items: list[int]) -> dict[str, int]:
    return {"step": items[0]}


class UnlearnTrainer(Trainer):  # type: ignore[misc]
    """The transformers Trainer with a step made of packs and terms.

    It keeps the Trainer's optimiser, schedule, clipping and checkpoints. Its own are: one item = one whole
    step, the loss over named sets of rows, NaN stop, and checkpoints of the trained weights alone.
    """

    def __init__(self, run: Run, *, progress: bool) -> None:
        self.run = run
        self.current: StepLoss | None = None
        self.norm = self.step_lr = math.nan
        super().__init__(
            model=run.vlm.model,
            args=_arguments(run),
            train_dataset=_Steps(run.steps),
            data_collator=_only_item,
            callbacks=[StepLog(run, self.state_of_step, progress=progress)],
        )
        if run.gate is not None:
            self.add_callback(HoldMasked(run.vlm, run.gate))
        self.remove_callback(PrinterCallback)
        self.remove_callback(ProgressCallback)

    def state_of_step(self) -> StepState:
        """What the log says about the step just done."""
        assert self.current is not None
        return StepState(self.current.total, dict(self.current.terms), self.step_lr, self.norm)

    def _get_train_sampler(self, train_dataset: Any = None) -> SequentialSampler:
        return SequentialSampler(self.train_dataset if train_dataset is None else train_dataset)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """What experiment trackers get: the Trainer's figures and each term of the loss."""
        terms = {} if self.current is None else self.current.terms
        super().log({**logs, **{f"term/{name}": float(value) for name, value in terms.items()}}, start_time)

    def floating_point_ops(self, inputs: Mapping[str, Any]) -> int:
        """Work is counted in ``Cost``, not here."""
        return 0

    def training_step(
        self, model: nn.Module, inputs: Mapping[str, Any], num_items_in_batch: Any = None
    ) -> Tensor:
        """Forward and backward over all rows of one step; returns the step's loss, a detached scalar."""
        run, step = self.run, int(inputs["step"])
        model.train()
        self.step_lr = float(self.optimizer.param_groups[0]["lr"])
        turn = run.turn(step)
        rows = [run.rows[i] for i in rows_of_turn(run.plan, run.rows, run.method, turn)]
        self.current = start_step(run.method, rows, step + 1, turn)
        packs = build_packs(run.vlm, rows, max_tokens=run.settings.pack_tokens)
        key = pair_key if paired_roles(run.method) else None
        for group in share_forwards(packs, run.settings.forward_tokens, key=key):
            self._forward_backward(group)
        if run.gate is not None:
            mask_gradients(model, run.gate, turn)
        return torch.tensor(self.current.total, device=self.args.device)

    def _forward_backward(self, packs: Sequence[Pack]) -> None:
        run, current = self.run, self.current
        assert current is not None
        batch = collate(run.vlm, packs)
        theirs = run.taught(batch.rows, current.turn)
        options: dict[str, Any] = {
            "cost": run.cost,
            "features": run.features,
            "layers": run.method.layers,
        }
        wanted = everywhere_roles(run.method, current.turn)
        if any(row.role in roles for roles in wanted.values() for row in batch.rows):
            table = forward_everywhere(run.vlm, batch, packs, wanted, **options)
        else:
            table = forward(run.vlm, batch, **options)
        with run.cost.backward(len(batch.rows)):
            self.accelerator.backward(current.add(table, theirs))

    def _get_grad_norm(self, model: nn.Module, grad_norm: Any = None) -> Any:
        self.norm = float(super()._get_grad_norm(model, grad_norm=grad_norm))
        if not math.isfinite(self.norm):
            assert self.current is not None
            bad = next(
                n for n, p in model.named_parameters() if p.grad is not None and not p.grad.isfinite().all()
            )
            raise TrainingStopped(
                f"Step {self.current.step}: the gradient of {bad} is not finite ({self.current.terms}). "
                "Lower the learning rate or the number of passes, or train in float32 or bfloat16."
            )
        return self.norm

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        folder = Path(output_dir or self.args.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        trained = {
            n: p.detach().cpu().contiguous() for n, p in self.model.named_parameters() if p.requires_grad
        }
        save_file(trained, folder / WEIGHTS, metadata={"format": "pt"})

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        saved = load_file(str(Path(resume_from_checkpoint) / WEIGHTS))
        trained = {n: p for n, p in self.model.named_parameters() if p.requires_grad}
        assert saved.keys() == trained.keys(), sorted(saved.keys() ^ trained.keys())[:3]
        with torch.no_grad():
            for name, parameter in trained.items():
                parameter.copy_(saved[name])


def _arguments(run: Run) -> TrainingArguments:
    settings = run.settings
    check_trackers(settings.report_to)
    schedule = "constant_with_warmup" if settings.schedule == "constant" else settings.schedule
    arguments = TrainingArguments(
        output_dir=str(run.folder / CHECKPOINTS),
        max_steps=run.steps,
        per_device_train_batch_size=1,
        learning_rate=settings.lr,
        lr_scheduler_type=schedule,
        warmup_steps=int(settings.warmup * run.steps),
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.clip,
        optim="adamw_torch",
        seed=settings.seed,
        save_strategy="steps",
        save_steps=settings.save_every,
        logging_strategy="steps" if settings.report_to else "no",
        logging_steps=1,
        report_to=list(settings.report_to),
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        use_cpu=run.vlm.device.type == "cpu",
    )
    if arguments.world_size > 1:
        raise UserError(
            "Training runs in one process.",
            got=f"{arguments.world_size} processes",
            expected="one",
            remedy="start unsee without a launcher such as torchrun",
        )
    arguments._n_gpu = min(1, arguments.n_gpu)  # several GPUs in sight must not mean DataParallel
    return arguments
