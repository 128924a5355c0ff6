"""How long, how fast and how carefully to train."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from unsee.models.scopes import Scope
from unsee.nouns import UserError
from unsee.training.names import NameMode

Schedule = Literal["cosine", "linear", "constant"]


@dataclass(frozen=True)
class TrainSettings:
    """Settings of one training run. Defaults are those of SIU (arXiv 2405.12523, section 6.1 and its script).

    Attributes:
        scope: Which weights move, and how.
        passes: Passes over the rows about the concept. The paper's 6 steps for one concept are 6 passes over
            16 rows.
        batch: Rows about the concept per optimiser step.
        anchors_per_step: Rows about other pictures that every step adds, as far as there are any.
        lr: Learning rate (AdamW).
        schedule: Course of the learning rate.
        warmup: Share of all steps in which the learning rate rises, rounded down to whole steps: the first
            step of a warm-up has learning rate 0, so rounding up would waste one of six.
        weight_decay: Weight decay.
        clip: Gradient norm at which gradients are clipped.
        save_every: Steps between two checkpoints; the last step is always saved.
        probe_every: Steps between two probes; 0 = none.
        probe_rows: Most rows per side of the probe.
        probe_replies: Retain questions that each probe lets the model answer freely.
        collapse: The probe reports collapse when perplexity or entropy of the retain answers has grown by
            this factor, or most free answers are broken (see ``training.probes``).
        stop_on_collapse: End the training there.
        select: ``last`` point of the run, or ``best`` by the rule of ``training.selection``; needs probes.
        vocabulary: How the vocabulary mask is made from the names.
        pack_tokens: Longest pack; None = as long as is worth it (``packs.pack.room_for``).
        forward_tokens: Most tokens in one forward pass; a step is cut into as many passes as needed.
        reference_bytes: Largest size of the kept reference logits; beyond it they are computed in each step.
        checkpointing: Recompute activations in the backward pass, to save memory; None = where they would
            not fit into a GPU (``training.checkpointing``).
        shard: Split the decoder's weights, gradients and optimiser over the processes (FSDP2); None = as the
            launcher's configuration asks (``training.sharding``).
        report_to: Experiment trackers that transformers knows and that are installed.
        seed: Of the adapter's start, dropout and the order of rows.
    """

    scope: Scope = Scope(rank=128, alpha=256, dropout=0.05)
    passes: int = 6
    batch: int = 16
    anchors_per_step: int = 16
    lr: float = 3e-4
    schedule: Schedule = "cosine"
    warmup: float = 0.03
    weight_decay: float = 0.0
    clip: float = 1.0
    save_every: int = 10
    probe_every: int = 5
    probe_rows: int = 16
    probe_replies: int = 4
    collapse: float = 10.0
    stop_on_collapse: bool = False
    select: Literal["last", "best"] = "last"
    vocabulary: NameMode = "first_piece"
    pack_tokens: int | None = None
    forward_tokens: int = 8192
    reference_bytes: int = 2**30
    checkpointing: bool | None = None
    shard: bool | None = None
    report_to: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        at_least_one = ("passes", "batch", "save_every", "pack_tokens", "forward_tokens")
        positive = ("lr", "clip", "collapse")
        for field in fields(self):
            value = getattr(self, field.name)
            low = 1 if field.name in at_least_one else 0
            wrong = field.name in positive and not 0 < value < float("inf")
            if wrong or (isinstance(value, int | float) and not low <= value < float("inf")):
                raise UserError(
                    f"The training setting {field.name} is out of range.",
                    got=value,
                    expected="a positive number" if field.name in positive else f"at least {low}",
                    remedy=f"change {field.name}",
                )
