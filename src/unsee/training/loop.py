"""The loop over steps: the transformers Trainer with a step of packs and terms, in one or many processes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, SequentialSampler
from transformers import PrinterCallback, ProgressCallback, Trainer, TrainingArguments

from unsee.models.processes import agreed, count, gathered, leads, rank
from unsee.nouns import hash_text
from unsee.packs.everywhere import forward_everywhere
from unsee.packs.pack import Pack, build_packs, collate, share_forwards
from unsee.training.gates import HoldMasked, mask_gradients
from unsee.training.log import StepLog, StepState
from unsee.training.losses import StepLoss, TrainingStopped, active_terms, everywhere_roles, start_step
from unsee.training.plan import rows_of_turn, together
from unsee.training.runs import CHECKPOINTS, EVENTS, Run
from unsee.training.sharding import clip_gradients, put_weights, save_whole_states, trained_weights
from unsee.training.sharing import add_gradients, shares
from unsee.training.trackers import check_trackers, events_in

WEIGHTS = "trained.safetensors"


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


class _Unwrapped(nn.Module):
    """Stands for the model before the Trainer, which would else wrap it in DistributedDataParallel.

    Processes differ in how many passes a step takes them, which that wrapper does not allow; gradients are
    added up by :func:`unsee.training.sharing.add_gradients`.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.module = model


class UnlearnTrainer(Trainer):  # type: ignore[misc]
    """The transformers Trainer with a step made of packs and terms.

    It keeps the Trainer's optimiser, schedule, clipping and checkpoints. Its own are: one item = one whole
    step, of which every process takes its share; the loss over named sets of rows; NaN stop; and checkpoints
    of the trained weights alone, the same on any number of processes.
    """

    def __init__(self, run: Run, *, progress: bool) -> None:
        self.run = run
        self.current: StepLoss | None = None
        self.norm = self.step_lr = math.nan
        with events_in(run.folder / EVENTS):
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

    def get_train_dataloader(self) -> DataLoader[int]:
        """The numbers of the steps: in several processes, all of them for each."""
        if count() == 1:
            return super().get_train_dataloader()  # type: ignore[no-any-return]
        return DataLoader(self.train_dataset, batch_size=1, collate_fn=_only_item)

    def _get_train_sampler(self, train_dataset: Any = None) -> SequentialSampler:
        return SequentialSampler(self.train_dataset if train_dataset is None else train_dataset)

    def _wrap_model(self, model: nn.Module, training: bool = True, dataloader: Any = None) -> nn.Module:
        if count() == 1:
            return super()._wrap_model(model, training, dataloader)  # type: ignore[no-any-return]
        return model if isinstance(model, _Unwrapped) else _Unwrapped(model)

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """The Trainer's optimiser; of a sharded run it saves and loads whole tensors.

        The groups of weights are then made here: newer versions of the Trainer part split weights from whole
        ones, and checkpoints would not fit another number of processes.
        """
        if self.run.sharded:
            decayed = set(self.get_decay_parameter_names(self.model))
            trained = [(n, p) for n, p in self.model.named_parameters() if p.requires_grad]
            groups = [
                {
                    "params": [p for n, p in trained if (n in decayed) == decays],
                    "weight_decay": self.args.weight_decay if decays else 0.0,
                }
                for decays in (True, False)
            ]
            made, options = self.get_optimizer_cls_and_kwargs(self.args, self.model)
            self.optimizer = made(groups, **options, foreach=False)
            save_whole_states(self.optimizer)
        optimizer: torch.optim.Optimizer
        optimizer = super().create_optimizer() if model is None else super().create_optimizer(model)
        return optimizer

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
        """Forward and backward over the rows of one step; returns the step's loss, a detached scalar."""
        run, step = self.run, int(inputs["step"])
        model.train()
        self.step_lr = float(self.optimizer.param_groups[0]["lr"])
        turn = run.turn(step)
        rows = [run.rows[i] for i in rows_of_turn(run.plan, run.rows, run.method, turn)]
        self.current = start_step(run.method, rows, step + 1, turn)
        packs = build_packs(run.vlm, rows, max_tokens=run.settings.pack_tokens)
        if count() > 1:
            _seed_dropout(run.settings.seed, step)
        with self._failing_together():
            for group, idle in self._passes(packs):
                self._forward_backward(group, idle=idle)
        self._add_up()
        if run.gate is not None:
            mask_gradients(run.vlm.model, run.gate, turn)
        return torch.tensor(self.current.total, device=self.args.device)

    def _passes(self, packs: list[Pack]) -> Iterator[tuple[list[Pack], bool]]:
        """This process's share of the packs, a forward pass at a time, and whether a pass counts for nothing.

        Where the decoder is split all processes must make the same number of passes.
        """
        key, limit = together(self.run.method), self.run.settings.forward_tokens
        groups = [share_forwards(part, limit, key=key) for part in shares(packs, count(), key=key)]
        for group in groups[rank()]:
            yield group, False
        if self.run.sharded:
            for _ in range(max(map(len, groups)) - len(groups[rank()])):
                yield [min(packs, key=len)], True

    def _forward_backward(self, packs: list[Pack], *, idle: bool) -> None:
        run, current = self.run, self.current
        assert current is not None
        batch = collate(run.vlm, packs)
        theirs = {} if idle else run.taught(batch.rows, current.turn)
        options: dict[str, Any] = {
            "cost": run.cost,
            "features": run.features,
            "layers": run.method.layers,
        }
        wanted = everywhere_roles(active_terms(run.method, current.turn))
        table = forward_everywhere(run.vlm, batch, packs, wanted, **options)
        loss = 0.0 * table.logits.sum() if idle else current.add(table, theirs)
        with run.cost.backward(len(batch.rows)):
            self.accelerator.backward(loss)

    def _failing_together(self) -> AbstractContextManager[None]:
        """A loss that is not finite ends all processes; shards cannot tell each other, the launcher does."""
        return nullcontext() if self.run.sharded else agreed()

    def _add_up(self) -> None:
        """Loss and gradients of the step from those of the processes."""
        if count() == 1:
            return
        assert self.current is not None
        parts = gathered(dict(self.current.terms))
        for name in [term.name for term in self.run.method.terms if any(term.name in p for p in parts)]:
            self.current.terms[name] = sum(part.get(name, 0.0) for part in parts)
        add_gradients(self.run.vlm.model)

    def _clip_grad_norm(self, model: nn.Module) -> Any:
        if self.run.sharded:
            return clip_gradients(model, self.args.max_grad_norm)
        return super()._clip_grad_norm(model)

    def _get_grad_norm(self, model: nn.Module, grad_norm: Any = None) -> Any:
        self.norm = float(super()._get_grad_norm(model, grad_norm=grad_norm))
        if not math.isfinite(self.norm):
            assert self.current is not None
            bad = next(
                n
                for n, p in self.run.vlm.model.named_parameters()
                if p.grad is not None and not p.grad.isfinite().all()
            )
            raise TrainingStopped(
                f"Step {self.current.step}: the gradient of {bad} is not finite ({self.current.terms}). "
                "Lower the learning rate or the number of passes, or train in float32 or bfloat16."
            )
        return self.norm

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Writes the trained weights; split ones are put together first, so every process takes part."""
        weights = trained_weights(self.run.vlm.model) if self.run.sharded or leads() else {}
        if leads():
            folder = Path(output_dir or self.args.output_dir)
            folder.mkdir(parents=True, exist_ok=True)
            save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        if self.run.sharded and not leads():
            self.optimizer.state_dict()
        super()._save_optimizer_and_scheduler(output_dir)

    def _save_rng_state(self, output_dir: str) -> None:
        if count() == 1:
            super()._save_rng_state(output_dir)

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if count() == 1:
            super()._load_rng_state(checkpoint)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        put_weights(self.run.vlm.model, load_file(str(Path(resume_from_checkpoint) / WEIGHTS)))


def _seed_dropout(seed: int, step: int) -> None:
    """Dropout of a step depends on the step and the process alone, so that a run resumes on any number."""
    torch.manual_seed(int(hash_text(str(seed), str(step), str(rank()))[:12], 16))


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
    arguments._n_gpu = min(1, arguments.n_gpu)  # several GPUs in sight must not mean DataParallel
    return arguments
