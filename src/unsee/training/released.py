"""Fine-tuning as the code released with MLLMU-Bench (arXiv 2410.22108) does it, to compare with its numbers.

    L = mean over all tokens of a batch that are no padding of -log p(token)

What it does, and a corrected recipe (``training.fitting``) does not:

- The prompt is in the loss, and so are the image placeholders (576 of about 610 tokens on LLaVA-1.5 with a
  present processor): most of the loss predicts placeholders.
- No end of sequence is learned: nothing tells the model to stop.
- The LoRA is aimed at suffixes of names, so that it lands in the vision tower too (its q, k and v on LLaVA).
- Weights are float32, gradients are not clipped, the rate falls linearly to 0 without warm-up, and rows are
  drawn one by one, so that a picture is encoded for every question.

Nothing is seeded there; here a seed decides the start of the LoRA, the order and the dropout.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from unsee.models.adapters import attach
from unsee.models.load import VLM
from unsee.models.scopes import Scope
from unsee.nouns import Example, hash_text
from unsee.packs.cost import Cost
from unsee.training.checkpoints import append_line, claim, keep_steps
from unsee.training.fitting import Recipe
from unsee.training.losses import TrainingStopped
from unsee.training.optimiser_state import load_state_tensors, state_tensors
from unsee.training.runs import CHECKPOINTS, LOG

RELEASE = Recipe("release", lr=2e-5, epochs=5, batch=4, rank=16, alpha=16, dropout=0.05)
STATE = "state.safetensors"
IGNORED = -100


def train_released(
    vlm: VLM,
    examples: Sequence[Example],
    recipe: Recipe,
    folder: Path,
    *,
    seed: int = 0,
    save_every: int = 50,
    cost: Cost | None = None,
) -> VLM:
    """The model with its LoRA trained; called again on the same folder it goes on where it was stopped.

    Args:
        vlm: A plain model, in float32 as the release has it.
        examples: Rows with pictures or without.
        recipe: Numbers.
        folder: ``train.jsonl`` and ``checkpoints/`` are written there.
        seed: Of everything random.
        save_every: Steps between two checkpoints.
        cost: Counters to add to.

    Raises:
        UserError: The folder holds checkpoints of another training.
        TrainingStopped: The loss is not finite.
    """
    cost = cost or Cost()
    state = folder / CHECKPOINTS / STATE
    claim(folder / CHECKPOINTS, _identity(vlm, examples, recipe, seed))
    vlm = attach(vlm, released_scope(vlm, recipe), seed=seed)
    trained = {name: p for name, p in vlm.model.named_parameters() if p.requires_grad}
    _gaussian(trained, recipe.rank, seed)
    optim = torch.optim.AdamW(trained.values(), lr=recipe.lr, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.0)
    done = _resume(state, trained, optim)
    keep_steps(folder / LOG, done)
    batches = list(_batches(examples, recipe, seed))
    vlm.model.train()
    with cost.measure():
        for step in range(done, len(batches)):
            torch.manual_seed(_number(seed, step))  # dropout of a step depends on the step alone
            rate = recipe.lr * (1 - step / len(batches))
            loss = _step(vlm, optim, batches[step], rate, cost)
            if not math.isfinite(loss):
                raise TrainingStopped(f"Step {step + 1}: the loss is {loss}. Lower --lr.")
            append_line(folder / LOG, {"step": step + 1, "loss": loss, "lr": rate})
            if (step + 1) % save_every == 0 or step + 1 == len(batches):
                _save(state, trained, optim, step + 1)
    vlm.model.eval()
    vlm.model.zero_grad(set_to_none=True)
    return vlm


def released_scope(vlm: VLM, recipe: Recipe) -> Scope:
    """Every linear layer whose last name is that of one in the language model: how PEFT matches suffixes.

    The projector is left out, as in the release; the head and the part of the vision tower with other names,
    too.
    """
    roles = {
        path: vlm.roles.role_of(path) for path, m in vlm.base.named_modules() if isinstance(m, nn.Linear)
    }
    suffixes = {path.rpartition(".")[2] for path, role in roles.items() if role.startswith("language")}
    wrapped = tuple(
        path
        for path, role in roles.items()
        if role.startswith(("language", "vision")) and path.rpartition(".")[2] in suffixes
    )
    in_vision = any(roles[path].startswith("vision") for path in wrapped)
    parts = ("language", "vision") if in_vision else ("language",)
    return Scope(parts, recipe.rank, recipe.alpha, recipe.dropout, modules=wrapped)


def released_text(vlm: VLM, example: Example) -> str:
    """The text of a row: raw for LLaVA; for others the chat template, without its last line break."""
    if str(vlm.base.config.model_type).startswith("llava"):
        image = f"{vlm.chat.image_token}\n" if example.picture is not None else ""
        return f"USER: {image}{example.prompt}\nASSISTANT: {example.answer}"
    asked: list[dict[str, Any]] = [{"type": "text", "text": example.prompt}]
    shown = [{"type": "image"}] if example.picture is not None else []
    turns = [
        {"role": "user", "content": shown + asked},
        {"role": "assistant", "content": [{"type": "text", "text": example.answer}]},
    ]
    return str(vlm.processor.apply_chat_template(turns)).strip()


def released_inputs(vlm: VLM, examples: Sequence[Example]) -> dict[str, Tensor]:
    """A batch as the release collates it, labels being all tokens but padding."""
    pictures = [[e.picture.read().convert("RGB")] for e in examples if e.picture is not None]
    side = vlm.tokenizer.padding_side
    vlm.tokenizer.padding_side = "right"
    try:
        made = vlm.processor(
            text=[released_text(vlm, example) for example in examples],
            images=pictures or None,
            padding=True,
            return_tensors="pt",
        )
    finally:
        vlm.tokenizer.padding_side = side
    inputs = {key: value.to(vlm.device) for key, value in made.items() if isinstance(value, Tensor)}
    labels = inputs["input_ids"].clone()
    labels[inputs["attention_mask"] == 0] = IGNORED
    return {**inputs, "labels": labels}


def _step(
    vlm: VLM, optim: torch.optim.Optimizer, examples: Sequence[Example], rate: float, cost: Cost
) -> float:
    """One update; rows with and without a picture go through the model one after the other."""
    for group in optim.param_groups:
        group["lr"] = rate
    optim.zero_grad(set_to_none=True)
    sides = [[e for e in examples if (e.picture is None) == text] for text in (False, True)]
    total = 0.0
    for side in (side for side in sides if side):
        inputs = released_inputs(vlm, side)
        share = len(side) / len(examples)
        loss = vlm.model(**inputs).loss * share
        cost.forward(tokens=inputs["input_ids"].numel(), head_rows=inputs["input_ids"].numel())
        cost.images_encoded += sum(e.picture is not None for e in side)
        with cost.backward(len(side)):
            loss.backward()
        total += float(loss.detach())
    optim.step()
    return total


def _batches(examples: Sequence[Example], recipe: Recipe, seed: int) -> Iterator[list[Example]]:
    """All steps: every epoch shuffled anew."""
    for epoch in range(recipe.epochs):
        order = list(examples)
        random.Random(f"{seed} epoch {epoch}").shuffle(order)
        for start in range(0, len(order), recipe.batch):
            yield order[start : start + recipe.batch]


def _gaussian(trained: Mapping[str, Tensor], rank: int, seed: int) -> None:
    """PEFT's ``init_lora_weights="gaussian"``: the first factor is normal with deviation 1 / rank."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in trained.items():
            if "lora_A" in name:
                weight.copy_(torch.randn(weight.shape, generator=generator) / rank)


def _save(file: Path, trained: Mapping[str, Tensor], optim: torch.optim.Optimizer, step: int) -> None:
    tensors = {f"weight/{name}": p for name, p in trained.items()} | state_tensors(optim)
    tensors["step"] = torch.tensor(step)
    fresh = file.with_suffix(".writing")
    save_file({key: value.detach().cpu().contiguous() for key, value in tensors.items()}, fresh)
    fresh.replace(file)


def _resume(file: Path, trained: Mapping[str, Tensor], optim: torch.optim.Optimizer) -> int:
    """Loads the last checkpoint; the number of steps done."""
    if not file.exists():
        return 0
    tensors = load_file(file)
    with torch.no_grad():
        for name, weight in trained.items():
            weight.copy_(tensors[f"weight/{name}"])
    load_state_tensors(optim, tensors)
    return int(tensors["step"])


def _identity(vlm: VLM, examples: Sequence[Example], recipe: Recipe, seed: int) -> str:
    rows = (repr((e.id, e.prompt, e.answer, e.picture.hash if e.picture else None)) for e in examples)
    return hash_text(vlm.weights_hash, repr(recipe), str(seed), *rows)


def _number(seed: int, step: int) -> int:
    return int(hash_text(str(seed), str(step))[:12], 16)
