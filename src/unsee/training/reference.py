"""The tables of the teachers during training: computed once for rows that come back, or anew in each step.

The target is the trained model with its adapter off (fully trained weights: with the original ones in
place), so it needs no copy. Of rows that come back only the hidden states that the vocabulary head reads are
kept; the head, which is the target's own, turns them into logits again. Kept states are computed before the
first step, over all rows in their order, never in passing: a resumed run then finds the very same numbers.
A gold model is read once in the same way, and let go except for its head.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from unsee.methods.parts import TARGET, Teacher
from unsee.methods.views import VIEWS
from unsee.models.load import VLM
from unsee.nouns import Example
from unsee.packs.cost import Cost
from unsee.packs.everywhere import forward_everywhere
from unsee.packs.features import FeatureCache
from unsee.packs.pack import Pack, build_packs, collate, share_forwards
from unsee.packs.reference import as_target
from unsee.packs.rows import Row, make_rows
from unsee.packs.tokens import FINAL, TokenTable

Compute = Callable[[VLM, Sequence[Pack], tuple[int, ...]], TokenTable]


class Kept(NamedTuple):
    """What a teacher said about one row.

    Attributes:
        states: Hidden states (n, D) by layer, on the CPU.
        everywhere: Sums over all positions of the row, () by name.
    """

    states: Mapping[int, Tensor]
    everywhere: Mapping[str, Tensor]


@dataclass(frozen=True)
class Reference:
    """Gives one teacher's table for rows of the student.

    Attributes:
        compute: Runs the teacher on packs.
        layers: Decoder layers whose outputs the tables hold.
        head: The teacher's hidden states (n, D) to logits (n, V).
        kept: What it said, per example id; empty = compute each time.
        viewed: The rows as the teacher sees them, by example id; empty = as the student does.
        pack_tokens: Longest pack of viewed rows.
        cost: Counters to add to.
    """

    compute: Compute
    layers: tuple[int, ...]
    head: Callable[[VLM, Tensor], Tensor]
    kept: Mapping[str, Kept]
    viewed: Mapping[str, Row]
    pack_tokens: int | None
    cost: Cost | None = None

    def __call__(self, vlm: VLM, rows: Sequence[Row]) -> TokenTable:
        """The teacher's table for these rows of the student, in their order."""
        if self.kept:
            if self.cost is not None:
                self.cost.texts(rows, reference=True)
            found = [self.kept[row.example] for row in rows]
            states = {
                layer: torch.cat([kept.states[layer] for kept in found]).to(vlm.device)
                for layer in (FINAL, *self.layers)
            }
            sums = {
                name: torch.stack([kept.everywhere[name] for kept in found]).to(vlm.device)
                for name in found[0].everywhere
            }
            logits = self.head(vlm, states.pop(FINAL))
            if self.cost is not None:
                self.cost.head_rows += len(logits)
        else:
            shown = [self.viewed.get(row.example, row) for row in rows]
            table = self.compute(vlm, build_packs(vlm, shown, max_tokens=self.pack_tokens), self.layers)
            order, places = _order(table, rows)
            logits = table.logits[order]
            states = {layer: value[order] for layer, value in table.states.items()}
            sums = {name: value[places] for name, value in table.everywhere.items()}
        return _as_table(rows, logits, states, sums)


def _as_table(
    rows: Sequence[Row], logits: Tensor, states: Mapping[int, Tensor], everywhere: Mapping[str, Tensor]
) -> TokenTable:
    device = logits.device
    labels = torch.tensor([label for row in rows for label in row.labels], device=device)
    keep = torch.tensor([k for row in rows for k in row.keep], device=device)
    sizes = torch.tensor([len(row.labels) for row in rows], device=device)
    assert logits.shape[0] == len(labels), (logits.shape, len(labels))
    index = torch.arange(len(rows), device=device).repeat_interleave(sizes)
    return TokenTable(logits, labels, index, keep, tuple(rows), states, everywhere)


def _order(table: TokenTable, rows: Sequence[Row]) -> tuple[Tensor, list[int]]:
    """Indices into the table's tokens, and into its rows, that put them in the order of ``rows``."""
    place = {row.example: r for r, row in enumerate(table.rows)}
    places = [place[row.example] for row in rows]
    return torch.cat([(table.row == r).nonzero()[:, 0] for r in places]), places


def kept_bytes(vlm: VLM, rows: Sequence[Row], layers: Sequence[int] = ()) -> int:
    """Bytes that the kept hidden states of these rows take."""
    width = int(vlm.base.get_input_embeddings().weight.shape[1])
    return sum(len(row.labels) for row in rows) * width * vlm.dtype.itemsize * (1 + len(layers))


def make_reference(
    vlm: VLM,
    rows: Sequence[Row],
    *,
    max_bytes: int,
    pack_tokens: int | None,
    forward_tokens: int,
    teacher: Teacher = TARGET,
    examples: Sequence[Example] = (),
    layers: tuple[int, ...] = (),
    everywhere: Mapping[str, frozenset[str]] | None = None,
    gold: VLM | None = None,
    features: FeatureCache | None = None,
    cost: Cost | None = None,
) -> Reference:
    """The tables of one teacher for these rows, kept when the hidden states fit into ``max_bytes``.

    Args:
        vlm: The model with its adapter attached.
        rows: All rows that will be asked for, each with its own example id.
        max_bytes: Largest size of all kept states together.
        pack_tokens: Longest pack.
        forward_tokens: Most tokens in one forward pass.
        teacher: Who is asked, and what it sees.
        examples: The examples of the rows, for a teacher with a view of its own.
        layers: Decoder layers whose outputs are wanted too.
        everywhere: Sums over all positions that are wanted too, and of which roles
            (see ``packs.everywhere.forward_everywhere``).
        gold: The gold model, for a teacher that is one.
        features: Cached vision features.
        cost: Counters to add to.
    """
    options: dict[str, Any] = {"wanted": everywhere or {}, "cost": cost, "reference": True}
    source = _gold(gold, options) if teacher.model == "gold" else _target(options | {"features": features})
    viewed = _viewed(vlm, rows, examples, teacher.view) if teacher.view else {}
    head = _head_of(gold) if teacher.model == "gold" else _own_head
    whole = Reference(source, layers, head, {}, viewed, pack_tokens, cost)
    fits = kept_bytes(vlm, rows, layers) <= max_bytes and not _softcapped(vlm)
    if not fits:
        return whole
    kept: dict[str, Kept] = {}
    shown = [viewed.get(row.example, row) for row in rows]
    with nullcontext() if cost is None else cost.ahead():
        for group in share_forwards(build_packs(vlm, shown, max_tokens=pack_tokens), forward_tokens):
            table = source(vlm, group, (FINAL, *layers))
            for r, row in enumerate(table.rows):
                states = {layer: states[table.row == r].cpu() for layer, states in table.states.items()}
                sums = {name: values[r].cpu() for name, values in table.everywhere.items()}
                kept[row.example] = Kept(states, sums)
    assert len(kept) == len(rows), (len(kept), len(rows))
    return replace(whole, kept=kept, compute=_unused)


def _target(options: Mapping[str, Any]) -> Compute:
    def compute(vlm: VLM, packs: Sequence[Pack], layers: tuple[int, ...]) -> TokenTable:
        with as_target(vlm):
            return forward_everywhere(vlm, collate(vlm, packs), packs, layers=layers, **options)

    return compute


def _gold(gold: VLM | None, options: Mapping[str, Any]) -> Compute:
    assert gold is not None, "a gold teacher needs the gold model"

    def compute(vlm: VLM, packs: Sequence[Pack], layers: tuple[int, ...]) -> TokenTable:
        with torch.no_grad():
            return forward_everywhere(gold, collate(vlm, packs), packs, layers=layers, **options)

    return compute


def _unused(vlm: VLM, packs: Sequence[Pack], layers: tuple[int, ...]) -> TokenTable:
    raise AssertionError("every table is kept")


def _own_head(vlm: VLM, states: Tensor) -> Tensor:
    with torch.no_grad(), vlm.adapter_off():
        return vlm.base.get_output_embeddings()(states).float()  # type: ignore[no-any-return]


def _head_of(gold: VLM | None) -> Callable[[VLM, Tensor], Tensor]:
    assert gold is not None, "a gold teacher needs the gold model"
    head = gold.base.get_output_embeddings()

    def logits(vlm: VLM, states: Tensor) -> Tensor:
        with torch.no_grad():
            return head(states).float()  # type: ignore[no-any-return]

    return logits


def _softcapped(vlm: VLM) -> bool:
    """Whether the model changes logits behind its head, so that the head alone does not give them."""
    config: Any = vlm.base.config.get_text_config()
    return getattr(config, "final_logit_softcapping", None) is not None


def _viewed(vlm: VLM, rows: Sequence[Row], examples: Sequence[Example], view: str) -> dict[str, Row]:
    change = VIEWS[view]
    wanted = {row.example for row in rows}
    seen = make_rows(vlm, [change(example) for example in examples if example.id in wanted])
    return {row.example: row for row in seen}
