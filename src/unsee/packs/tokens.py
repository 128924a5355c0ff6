"""The token table: one row of logits per answer token, and nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from unsee.models.hooks import Follow, at_work, follow_nothing
from unsee.models.load import VLM
from unsee.nouns import UserError
from unsee.packs.attention import attending, choices
from unsee.packs.cost import Cost, phase
from unsee.packs.families import check_packable
from unsee.packs.features import FeatureStore
from unsee.packs.pack import Batch
from unsee.packs.rows import Row
from unsee.packs.vision import (
    cross_mask,
    feature_inputs,
    looks_across,
    pixel_inputs,
    skipped_without_pictures,
)

FINAL = -1  # the hidden state that the vocabulary head reads


@dataclass(frozen=True)
class TokenTable:
    """What a model says at the answer tokens of R rows. N answer tokens, vocabulary V.

    Attributes:
        logits: (N, V) float32, the logits that predict each answer token.
        labels: (N,) int64, the answer tokens.
        row: (N,) int64 index into ``rows``.
        keep: (N,) bool, token mask K_S.
        rows: The R rows.
        states: Hidden states (N, D) that predict the answer tokens, by decoder layer (its output, counted
            from 0) or ``FINAL`` (what the vocabulary head reads); only those asked for.
        everywhere: Sums over every position of each row, prompt and picture included, (R,) by name: its
            negative log-likelihood, divergences from the target; only those asked for (``packs.everywhere``).
    """

    logits: Tensor
    labels: Tensor
    row: Tensor
    keep: Tensor
    rows: tuple[Row, ...]
    states: Mapping[int, Tensor] = field(default_factory=dict)
    everywhere: Mapping[str, Tensor] = field(default_factory=dict)

    @cached_property
    def logp(self) -> Tensor:
        """(N,) log-probability of each label in nats."""
        chosen = self.logits.gather(1, self.labels[:, None])[:, 0]
        return chosen - self.logits.logsumexp(dim=1)

    def banned_mask(self) -> Tensor:
        """(R, V) bool, True at vocabulary ids that the vocabulary mask K_V removes on that row."""
        mask = torch.zeros(
            (len(self.rows), self.logits.shape[1]), dtype=torch.bool, device=self.logits.device
        )
        for r, row in enumerate(self.rows):
            if row.banned:
                mask[r, list(row.banned)] = True
        return mask

    def sum_by_row(
        self,
        x: Tensor,  # (N,)
    ) -> Tensor:  # (R,)
        """Sum of ``x`` over the answer tokens of each row."""
        return x.new_zeros(len(self.rows)).index_add(0, self.row, x)

    def mean_by_row(
        self,
        x: Tensor,  # (N,)
    ) -> Tensor:  # (R,)
        """Mean of ``x`` over all answer tokens of each row, masked ones included."""
        return self.sum_by_row(x) / self.sum_by_row(torch.ones_like(x))


def forward(
    vlm: VLM,
    batch: Batch,
    *,
    cost: Cost | None = None,
    features: FeatureStore | None = None,
    layers: Sequence[int] = (),
    reference: bool = False,
) -> TokenTable:
    """Run packs through the model and read the answer positions.

    Only the predicting positions reach the vocabulary head, so (B, T, V) logits never exist.

    Args:
        vlm: The model, in whatever mode (training, adapter on or off) it is; its hook acts.
        batch: From :func:`unsee.packs.pack.collate`.
        cost: Counters to add to.
        features: Cached features of frozen vision; None encodes the batch's pictures here.
        layers: Decoder layers whose outputs the table shall hold; ``FINAL`` for the head's input.
        reference: Whether the receipt counts the pass as one of the reference.
    """
    logits, slot, heard = _read(vlm, batch, cost, features, layers, reference)
    if logits.shape[0] != len(slot) or not bool((slot[1:] > slot[:-1]).all()):
        logits = logits[slot]
    states = {
        layer: values.flatten(0, -2)[slot if layer == FINAL else batch.where]
        for layer, values in heard.items()
    }
    return TokenTable(logits, batch.labels, batch.row, batch.keep, batch.rows, states)


def answer_logp(
    vlm: VLM, batch: Batch, *, cost: Cost | None = None, features: FeatureStore | None = None
) -> Tensor:
    """(N,) log-probability of each answer token in nats, as ``forward(...).logp``.

    Answers that share a beginning, such as the options of a question, share the logits there: they are not
    written down once for each.
    """
    logits, slot, _ = _read(vlm, batch, cost, features, (), reference=False)
    return logits[slot, batch.labels] - logits.logsumexp(dim=1)[slot]


def _read(
    vlm: VLM,
    batch: Batch,
    cost: Cost | None,
    features: FeatureStore | None,
    layers: Sequence[int],
    reference: bool,
) -> tuple[Tensor, Tensor, Mapping[int, Tensor]]:
    """Logits (U, V) float32 of U predicting positions, (N,) which of them each answer token has, states."""
    check_packable(vlm)
    wanted = torch.zeros(batch.tokens, dtype=torch.bool, device=batch.where.device)
    wanted[batch.where] = True
    pictures = picture_inputs(vlm, batch, cost=cost, features=features)
    with (
        phase(cost, "reference" if reference else "forward"),
        working(vlm, batch),
        listening(vlm, layers) as heard,
        attending(vlm, batch) as mask,
    ):
        logits = vlm.model(
            input_ids=batch.input_ids,
            attention_mask=mask,
            position_ids=batch.position_ids,
            use_cache=False,
            logits_to_keep=wanted.view(batch.input_ids.shape),
            **pictures,
        ).logits
    if cost is not None:
        cost.forward(tokens=batch.tokens, head_rows=logits.shape[0], reference=reference)
        cost.texts(batch.rows, reference=reference)
        cost.notes.update(choices(vlm))
    # The head saw each position once, in order of position; the table lists them row by row.
    slot = wanted.cumsum(0)[batch.where] - 1
    return logits.float(), slot, heard


def working(vlm: VLM, batch: Batch) -> contextlib.AbstractContextManager[Follow]:
    """Inside, the model's hook acts on the batch; without one not even its mask is made."""
    return contextlib.nullcontext(follow_nothing) if vlm.hook is None else at_work(vlm, batch.passage)


@contextlib.contextmanager
def listening(vlm: VLM, layers: Sequence[int]) -> Iterator[dict[int, Tensor]]:
    """Inside, every forward pass leaves the outputs of these decoder layers in the dictionary.

    Args:
        vlm: The model.
        layers: Layers counted from 0: outputs (B, T, D); ``FINAL``: the input of the vocabulary head.

    Raises:
        UserError: The model has no such layer.
    """
    heard: dict[int, Tensor] = {}
    blocks = vlm.base.get_submodule(vlm.roles.layers)

    def hear(layer: int) -> Callable[..., None]:
        def note(module: nn.Module, inputs: tuple[Tensor, ...], output: Any = None) -> None:
            value = inputs[0] if output is None else output
            heard[layer] = value[0] if isinstance(value, tuple) else value

        return note

    handles = []
    for layer in layers:
        if layer != FINAL and not 0 <= layer < len(blocks):
            raise UserError(
                "the model has no such decoder layer",
                got=layer,
                expected=f"0..{len(blocks) - 1}",
                remedy="name another layer",
            )
        if layer == FINAL:
            handles.append(vlm.base.get_output_embeddings().register_forward_pre_hook(hear(layer)))
        elif layer in skipped_without_pictures(vlm) and layer + 1 < len(blocks):
            # Text alone passes such a layer by; what goes into the next one is its output either way.
            handles.append(blocks[layer + 1].register_forward_pre_hook(hear(layer)))
        else:
            handles.append(blocks[layer].register_forward_hook(hear(layer)))
    try:
        yield heard
    finally:
        for handle in handles:
            handle.remove()


def picture_inputs(
    vlm: VLM, batch: Batch, *, cost: Cost | None = None, features: FeatureStore | None = None
) -> Mapping[str, object]:
    """The forward arguments for the pictures of a batch: cached features where possible, else pixels."""
    if not batch.pictures:
        return {}
    across: Mapping[str, object] = {}
    if looks_across(vlm):
        placeholders = (batch.input_ids == vlm.chat.image_token_id)[:, None, None]
        across = cross_mask(vlm, (batch.attention_mask & placeholders).any(dim=-1)[:, 0], batch.pictures)
    if features is not None and features.usable:
        with phase(cost, "pictures"):
            return {**feature_inputs(vlm, features.features(vlm, batch.pictures, cost=cost)), **across}
    if cost is not None:
        cost.images_encoded += len(batch.pictures)
    return {**pixel_inputs(vlm, batch.pictures), **across}
