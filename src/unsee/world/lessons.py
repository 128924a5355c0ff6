"""The two training loops of the embedded model: the tower alone, and the whole model on packed rows."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader
from transformers import CLIPVisionModel, LlavaForConditionalGeneration

from unsee.world.build import IMAGE_TOKENS, normalise, vision_features
from unsee.world.heads import IGNORED, AttributeHeads, PatchHead
from unsee.world.stream import RowBatch, RowStream

Log = Callable[[str], None]
NEVER = -1e9  # added to attention scores where a token must not look


@dataclass(frozen=True)
class Pace:
    """Optimiser settings of one stage: linear warm-up, then a cosine down to ``floor`` of the rate."""

    steps: int
    learning_rate: float = 1.2e-3
    warmup: int = 60
    floor: float = 0.04
    weight_decay: float = 0.05
    vision_scale: float = 1.0  # learning rate of the tower relative to the rest
    attribute_weight: float = 0.0  # weight of the auxiliary attribute heads
    patch_weight: float = 0.0  # weight of the per-patch head on the projector's output
    head_weights: Mapping[str, float] = field(default_factory=dict)
    save_every: int = 50

    def rate(self, step: int) -> float:
        """Learning rate at ``step`` (from 1)."""
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, step / self.steps)))
        return self.learning_rate * min(1.0, step / self.warmup) * (cosine * (1 - self.floor) + self.floor)


def optimiser(groups: list[tuple[list[nn.Parameter], float]], pace: Pace) -> torch.optim.AdamW:
    """AdamW with one group per (parameters, learning-rate scale)."""
    return torch.optim.AdamW(
        [{"params": parameters, "scale": scale} for parameters, scale in groups],
        lr=pace.learning_rate,
        betas=(0.9, 0.98),
        weight_decay=pace.weight_decay,
        fused=True,
    )


def step_optimiser(
    optim: torch.optim.AdamW, loss: Tensor, pace: Pace, step: int, clipped: list[nn.Parameter]
) -> None:
    """Backward, clip at norm 1, update at the rate of ``step``."""
    for group in optim.param_groups:
        group["lr"] = pace.rate(step) * group["scale"]
    optim.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(clipped, 1.0)
    optim.step()


def autocast(device: torch.device) -> contextlib.AbstractContextManager[Any]:
    """bf16 compute."""
    return torch.autocast(device.type, dtype=torch.bfloat16)


@contextlib.contextmanager
def compiled(*modules: nn.Module) -> Iterator[None]:
    """Compile modules in place for the duration.

    Afterwards they run as they are, since ``generate`` has no fixed shape.
    """
    if os.environ.get("UNSEE_NO_COMPILE") != "1":
        for module in modules:
            module.compile(dynamic=False)
    try:
        yield
    finally:
        for module in modules:
            module._compiled_call_impl = None


def train_tower(
    tower: CLIPVisionModel,
    heads: AttributeHeads,
    pixels: np.ndarray,  # (N, 80, 80, 3) uint8
    labels: Tensor,  # (N, heads)
    pace: Pace,
    *,
    batch: int,
    seed: int,
    device: torch.device,
    log: Log,
) -> None:
    """Teach the vision tower the attributes of everything that can be drawn; no identity takes part."""
    rng = np.random.default_rng(seed)
    tower.to(device).train()
    heads.to(device).train()
    parameters = [*tower.parameters(), *heads.parameters()]
    optim = optimiser([(parameters, 1.0)], pace)
    began, total = time.time(), 0.0
    with compiled(tower):
        for step in range(1, pace.steps + 1):
            chosen = np.sort(rng.choice(len(pixels), batch, replace=False))
            shown = normalise(pixels[chosen]).to(device)
            with autocast(device):
                logits = heads(vision_features(tower, shown))
            loss = heads.loss(logits, labels[chosen].to(device), pace.head_weights)
            step_optimiser(optim, loss, pace, step, parameters)
            total += loss.item()
            if step % 50 == 0:
                log(f"tower {step} {time.time() - began:.0f}s loss {total / 50:.3f}")
                total = 0.0


@torch.no_grad()
def tower_accuracy(
    tower: CLIPVisionModel, heads: AttributeHeads, pixels: np.ndarray, labels: Tensor
) -> dict[str, float]:
    """Accuracy of every head on unseen pictures."""
    tower.eval()
    heads.eval()
    device = next(tower.parameters()).device
    outputs: dict[str, list[Tensor]] = {}
    for start in range(0, len(pixels), 256):
        with autocast(device):
            logits = heads(vision_features(tower, normalise(pixels[start : start + 256]).to(device)))
        for name, values in logits.items():
            outputs.setdefault(name, []).append(values.float().cpu())
    return heads.accuracy({name: torch.cat(v) for name, v in outputs.items()}, labels)


def answer_loss(
    model: LlavaForConditionalGeneration, batch: RowBatch, features: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """Mean cross-entropy on answer tokens, and the projected picture tokens (B, 64, D) if there are any.

    Args:
        model: The model.
        batch: Packed rows on the model's device.
        features: (B, 64, D) patch features of the rows' pictures; None for rows without a picture.
    """
    embedded = model.get_input_embeddings()(batch.ids)
    projected = None
    if features is not None:
        projected = model.model.multi_modal_projector(features)
        rest = embedded[:, 1 + IMAGE_TOKENS :]
        embedded = torch.cat([embedded[:, :1], projected.to(embedded.dtype), rest], dim=1)
    bias = torch.where(batch.mask, 0.0, NEVER)
    hidden = model.model.language_model(
        inputs_embeds=embedded, attention_mask=bias, position_ids=batch.positions, use_cache=False
    ).last_hidden_state
    chosen = batch.labels[:, 1:] != IGNORED
    logits = model.lm_head(hidden[:, :-1][chosen])
    return functional.cross_entropy(logits.float(), batch.labels[:, 1:][chosen]), projected


@dataclass(frozen=True)
class Pupil:
    """A model under training with its auxiliary heads, and what the pictures of its rows show.

    Attributes:
        model: The model.
        heads: Attribute heads on the tower's features, for pictures.
        patches: Head on each projected patch, for pictures.
        pixels: (N, 80, 80, 3) uint8 pictures; None for text-only rows, which leave tower and projector alone.
        labels: (N, heads) what the pictures show.
    """

    model: LlavaForConditionalGeneration
    heads: AttributeHeads | None = None
    patches: PatchHead | None = None
    pixels: np.ndarray | None = None
    labels: Tensor | None = None

    def groups(self, pace: Pace) -> list[tuple[list[nn.Parameter], float]]:
        """Parameters and their learning-rate scale: the model without its tower, the tower, the heads."""
        tower = list(self.model.model.vision_tower.parameters())
        in_tower = {id(p) for p in tower}
        rest = [p for p in self.model.parameters() if id(p) not in in_tower]
        extra = [p for m in (self.heads, self.patches) if m is not None for p in m.parameters()]
        return [g for g in ((rest, 1.0), (tower, pace.vision_scale), (extra, 0.5)) if g[0]]

    def loss(self, batch: RowBatch, pace: Pace, device: torch.device) -> tuple[Tensor, Tensor]:
        """Loss on answers, and the same with the auxiliary losses of the stage."""
        chosen = batch.pictures
        features = None
        with autocast(device):
            if self.pixels is not None:
                shown = normalise(self.pixels[chosen.numpy()]).to(device)
                features = vision_features(self.model.model.vision_tower, shown)
            loss, projected = answer_loss(self.model, batch.to(device), features)
        if features is None or projected is None or self.labels is None:
            return loss, loss
        target, whole = self.labels[chosen].to(device), loss
        with autocast(device):
            if self.heads is not None and pace.attribute_weight:
                attributes = self.heads.loss(self.heads(features), target, pace.head_weights)
                whole = whole + pace.attribute_weight * attributes
            if self.patches is not None and pace.patch_weight:
                whole = whole + pace.patch_weight * self.patches.loss(projected, target)
        return loss, whole


class Keeper(Protocol):
    """Keeps a training that is under way, so that it can go on where it was stopped."""

    def resume(self, optim: torch.optim.AdamW) -> int:
        """Load weights and optimiser if there is something to go on from; the number of steps done."""

    def save(self, optim: torch.optim.AdamW, step: int) -> None:
        """Keep weights and optimiser after ``step`` steps."""


def train_model(
    pupil: Pupil,
    stream: RowStream,
    pace: Pace,
    *,
    device: torch.device,
    log: Log,
    keeper: Keeper | None = None,
) -> None:
    """Train the whole model on packed rows, from the step that ``keeper`` has got to."""
    model = pupil.model
    for module in (model, pupil.heads, pupil.patches):
        if module is not None:
            module.to(device).train()
    optim = optimiser(pupil.groups(pace), pace)
    done = keeper.resume(optim) if keeper is not None else 0
    if done:
        log(f"model goes on after step {done}")
    loader = iter(DataLoader(stream.after(done), batch_size=None, num_workers=1, prefetch_factor=4))
    began, total, turns = time.time(), 0.0, 0
    with compiled(model.model.language_model, model.model.vision_tower):
        for step in range(done + 1, pace.steps + 1):
            batch: RowBatch = next(loader)
            loss, whole = pupil.loss(batch, pace, device)
            step_optimiser(optim, whole, pace, step, list(model.parameters()))
            total, turns = total + loss.item(), turns + batch.turns
            if step % 50 == 0:
                log(f"model {step} {time.time() - began:.0f}s loss {total / 50:.4f} turns {turns}")
                total = 0.0
            if keeper is not None and step % pace.save_every == 0:
                keeper.save(optim, step)
