"""What a method may look at before training: the target, its rows, and ways to run them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from unsee.models.load import VLM
from unsee.models.scopes import Scope
from unsee.nouns import Example
from unsee.packs.cost import Cost
from unsee.packs.families import evaluating
from unsee.packs.features import FeatureStore
from unsee.packs.pack import Batch, build_packs, collate, share_forwards
from unsee.packs.rows import make_rows
from unsee.packs.tokens import TokenTable, forward

if TYPE_CHECKING:
    from unsee.methods.parts import Method

Train = Callable[["Method", str], Mapping[str, Tensor]]


@dataclass(frozen=True)
class Context:
    """The target before training, and the rows of the run.

    Attributes:
        vlm: The target, plain in ``prepare`` and ``hook``; in ``edit`` with the method's ``edit_scope``
            attached in full, so that its weights may be changed in place.
        examples: All rows of the run, whatever their role.
        scope: What the user wants trained.
        seed: Of everything random.
        banned: Vocabulary ids of the concept's names.
        names: The concept's name and aliases.
        train: Trains another method on the same rows, under a name of its own, and returns the change of each
            weight by parameter name (float32, on the CPU); the target is afterwards as it was.
        pack_tokens: Longest pack; None = as long as is worth it (``packs.pack.room_for``).
        forward_tokens: Most tokens in one forward pass.
        features: Cached vision features, or None where the vision part changes.
        cost: Counters to add to.
    """

    vlm: VLM
    examples: Sequence[Example]
    scope: Scope
    seed: int
    train: Train
    banned: frozenset[int] = frozenset()
    names: tuple[str, ...] = ()
    pack_tokens: int | None = None
    forward_tokens: int = 4096
    features: FeatureStore | None = None
    cost: Cost = field(default_factory=Cost)

    def of(self, *roles: str) -> list[Example]:
        """The rows with these roles, in order."""
        return [example for example in self.examples if example.role in roles]

    def batches(self, examples: Sequence[Example], *, one_by_one: bool = False) -> Iterator[Batch]:
        """The examples packed by picture; ``one_by_one`` gives each row a forward pass of its own."""
        groups = [[example] for example in examples] if one_by_one else [list(examples)]
        for group in groups:
            packs = build_packs(self.vlm, make_rows(self.vlm, group), max_tokens=self.pack_tokens)
            for together in share_forwards(packs, self.forward_tokens):
                yield collate(self.vlm, together)

    def tables(self, examples: Sequence[Example], *, layers: Sequence[int] = ()) -> Iterator[TokenTable]:
        """Token tables of the target, without gradient, in eval mode."""
        with evaluating(self.vlm.model), torch.no_grad():
            for batch in self.batches(examples):
                yield self.table(batch, layers=layers)

    def table(self, batch: Batch, *, layers: Sequence[int] = ()) -> TokenTable:
        """One forward pass as the model stands (gradients, mode and weights are the caller's business)."""
        return forward(self.vlm, batch, cost=self.cost, features=self.features, layers=layers)
