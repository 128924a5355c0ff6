"""Objectives over every position of a row, prompt and picture included, without (B, T, V) logits.

Positions that rows share are computed once and counted for each of these rows, so every row's sum is that of
the row alone. The hidden states of all positions are kept; their logits exist a block at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from unsee.models.load import VLM
from unsee.nouns import UserError
from unsee.objectives.chunked import BLOCK, Divergence, chunked_kl, chunked_logp
from unsee.objectives.divergences import forward_kl
from unsee.objectives.likelihood import sum_by_row
from unsee.objectives.teachers import reverse_kl
from unsee.packs.attention import attending
from unsee.packs.cost import Cost, phase
from unsee.packs.families import check_packable
from unsee.packs.features import FeatureStore
from unsee.packs.pack import Batch, Pack
from unsee.packs.reference import as_target
from unsee.packs.tokens import TokenTable, forward, picture_inputs, working

NLL = "nll"  # of the next token, wherever there is one
DIVERGENCES: Mapping[str, Divergence] = {"kl": forward_kl, "reverse_kl": reverse_kl}


def states_of(
    vlm: VLM,
    batch: Batch,
    *,
    cost: Cost | None = None,
    features: FeatureStore | None = None,
    reference: bool = False,
) -> Tensor:
    """(B * T, D) what the vocabulary head would read at every position; no position goes through the head.

    Raises:
        UserError: The model cannot run packs, or changes its logits behind the head.
    """
    check_packable(vlm)
    _check_logits(vlm)
    pictures = picture_inputs(vlm, batch, cost=cost, features=features)
    with (
        phase(cost, "reference" if reference else "forward"),
        working(vlm, batch),
        attending(vlm, batch) as mask,
    ):
        out: Any = vlm.base.model(
            input_ids=batch.input_ids,
            attention_mask=mask,
            position_ids=batch.position_ids,
            use_cache=False,
            **pictures,
        )
    if cost is not None:
        cost.forward(tokens=batch.tokens, head_rows=0, reference=reference)
        cost.texts(batch.rows, reference=reference)
    states: Tensor = out.last_hidden_state
    return states.flatten(0, 1)


def reference_states(
    vlm: VLM, batch: Batch, *, cost: Cost | None = None, features: FeatureStore | None = None
) -> Tensor:
    """:func:`states_of` of the target: the same model with its adapter off, without gradient."""
    with as_target(vlm):
        return states_of(vlm, batch, cost=cost, features=features, reference=True)


def forward_everywhere(
    vlm: VLM,
    batch: Batch,
    packs: Sequence[Pack],
    wanted: Mapping[str, frozenset[str]],
    *,
    cost: Cost | None = None,
    features: FeatureStore | None = None,
    layers: Sequence[int] = (),
    reference: bool = False,
    block: int = BLOCK,
) -> TokenTable:
    """The token table of ``packs.tokens.forward`` with sums over all positions, from the same pass.

    Where no row of the batch is wanted it is that table, at no other cost.

    Args:
        vlm: The model, its adapter on; the target is the same model with the adapter off.
        batch: Made of ``packs``.
        packs: The packs of the batch.
        wanted: What is summed over the positions of which rows, by their roles; other rows get 0. ``NLL``:
            the negative log-likelihood of the next token, image placeholders and end of turn included, at
            every position but the last. Names of ``DIVERGENCES``: of the target and the model, at every
            position; only these take a pass of the target.
        cost: Counters to add to.
        features: Cached features of frozen vision.
        layers: As for ``forward``.
        reference: As for ``forward``.
        block: Positions that have logits at a time.

    Raises:
        UserError: The vocabulary head trains where a divergence is wanted, the model changes its logits
            behind the head, or a wanted likelihood is that of a token which the head does not know.
    """
    wanted = {name: roles for name, roles in wanted.items() if any(row.role in roles for row in batch.rows)}
    if not wanted:
        return forward(vlm, batch, cost=cost, features=features, layers=layers, reference=reference)
    compared = [name for name in wanted if name != NLL]
    _check_logits(vlm)
    if compared:
        check_head(vlm)
    with _whole_states(vlm) as heard:
        table = forward(vlm, batch, cost=cost, features=features, layers=layers, reference=reference)
    states, found = heard[0], dict[str, Tensor]()
    if NLL in wanted:
        found[NLL] = _nll_sums(vlm, batch, packs, wanted[NLL], states, block, cost)
    if compared:
        both = states, reference_states(vlm, batch, cost=cost, features=features)
        for name in compared:
            places = _places(batch, packs, wanted[name])
            found[name] = _divergence_sums(vlm, name, places, both, len(batch.rows), block, cost)
    return replace(table, everywhere=found)


def check_head(vlm: VLM) -> None:
    """Refuses a vocabulary head that trains: model and target would not share it.

    Raises:
        UserError: It does.
    """
    head = vlm.base.get_output_embeddings()
    if any(weight.requires_grad for weight in head.parameters()):
        raise UserError(
            "this variant compares the model with the target at every position, which needs a frozen head",
            got="a vocabulary head (or embeddings tied to it) that trains",
            expected="weights below the head, such as scope.parts=language.attention,language.mlp",
            remedy="take the head and the embeddings out of scope.parts, or choose knobs.variant=corrected",
        )


def plain_head(vlm: VLM) -> bool:
    """Whether the model's logits are what its vocabulary head gives, without anything behind it."""
    return getattr(vlm.base.config.get_text_config(), "final_logit_softcapping", None) is None


def _check_logits(vlm: VLM) -> None:
    if not plain_head(vlm):
        raise UserError(
            "this model changes its logits behind the vocabulary head",
            got=vlm.base.config.model_type,
            expected="a model whose logits are those of its head",
            remedy="use an objective over answer tokens",
        )


@contextmanager
def _whole_states(vlm: VLM) -> Iterator[list[Tensor]]:
    """Inside, a forward pass leaves the decoder's last hidden states (B * T, D) in the list."""
    heard: list[Tensor] = []

    def hear(module: nn.Module, inputs: object, output: Any) -> None:
        heard.append(output.last_hidden_state.flatten(0, 1))

    handle = vlm.base.get_submodule(vlm.roles.decoder).register_forward_hook(hear)
    try:
        yield heard
    finally:
        handle.remove()


def _places(
    batch: Batch, packs: Sequence[Pack], roles: frozenset[str], part: slice = slice(None)
) -> tuple[Tensor, Tensor]:
    """Flat position b * T + t and row index of every token of the rows with these roles: (N,) and (N,).

    Args:
        batch: Made of ``packs``.
        packs: The packs.
        roles: Whose tokens.
        part: Which of the tokens of each row.
    """
    length = batch.input_ids.shape[1]
    place = {order: r for r, order in enumerate(batch.order)}
    lines = [
        (place[order], [b * length + node for node in path[part]])
        for b, pack in enumerate(packs)
        for row, order, path in zip(pack.rows, pack.order, pack.paths, strict=True)
        if row.role in roles
    ]
    positions = torch.tensor([position for _, path in lines for position in path], dtype=torch.long)
    index = torch.tensor([r for r, path in lines for _ in path], dtype=torch.long)
    return positions.to(batch.input_ids.device), index.to(batch.input_ids.device)


def _nll_sums(
    vlm: VLM,
    batch: Batch,
    packs: Sequence[Pack],
    roles: frozenset[str],
    states: Tensor,  # (B * T, D)
    block: int,
    cost: Cost | None,
) -> Tensor:
    """Negative log-likelihood (nats) of every token but the first, summed by row: (R,).

    A token stands in the tree once for all rows that say it after the same past, so it is scored once.
    """
    before, index = _places(batch, packs, roles, slice(None, -1))
    after, _ = _places(batch, packs, roles, slice(1, None))
    once, back = torch.unique(after, return_inverse=True)
    previous = torch.empty_like(once)
    previous[back] = before
    labels = batch.input_ids.flatten()[once]
    head = vlm.base.get_output_embeddings()
    _check_known(vlm, labels)
    values = -chunked_logp(states[previous], labels, head, block=block)
    _count_head(cost, len(once))
    return sum_by_row(values[back], index, len(batch.rows))


def _divergence_sums(
    vlm: VLM,
    name: str,
    places: tuple[Tensor, Tensor],
    states: tuple[Tensor, Tensor],  # (B * T, D) of the model and of the target
    rows: int,
    block: int,
    cost: Cost | None,
) -> Tensor:
    """The divergence at every position, summed by row: (R,). Shared positions are computed once."""
    positions, index = places
    once, back = torch.unique(positions, return_inverse=True)
    head = vlm.base.get_output_embeddings()
    mine, theirs = (x[once] for x in states)
    values = chunked_kl(mine, theirs, head, head, block=block, divergence=DIVERGENCES[name])
    _count_head(cost, 2 * len(once))
    return sum_by_row(values[back], index, rows)


def _check_known(vlm: VLM, labels: Tensor) -> None:
    """Some families have placeholders in their embeddings and not in their head."""
    size = int(vlm.base.config.get_text_config().vocab_size)
    if len(labels) and int(labels.max()) >= size:
        raise UserError(
            "this variant reads the likelihood of every token, and the vocabulary head does not know one",
            got=f"{vlm.tokenizer.convert_ids_to_tokens(int(labels.max()))!r} of {vlm.base.config.model_type}",
            expected=f"token ids below {size}",
            remedy="choose knobs.variant=corrected, which reads answers only",
        )


def _count_head(cost: Cost | None, rows: int) -> None:
    """With a gradient every block goes through the head once more."""
    if cost is not None:
        cost.head_rows += 2 * rows if torch.is_grad_enabled() else rows
