"""Decoding of many questions at once, several per picture, on the tree of a pack.

The prompt of a pack is one sequence: the picture's prefix once, then the questions. Each decoding step
appends one token per unfinished question to that sequence and lets it see its own branch only, so keys and
values of a picture are neither computed nor stored twice.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from unsee.answering.cache import GrowingCache
from unsee.answering.sampling import Choose, Sampling, chooser
from unsee.models.hooks import Follow
from unsee.models.load import VLM
from unsee.packs.attention import attending, choices, step_mask
from unsee.packs.cost import Cost, phase
from unsee.packs.features import FeatureStore
from unsee.packs.pack import Batch
from unsee.packs.tokens import picture_inputs, working
from unsee.packs.vision import cross_mask

# Dropping finished packs copies the cache of the others: only when this share of packs or less is left.
KEEP_SHARE = 0.75


@dataclass
class Decoded:
    """One reply: its tokens without the end token, the log-probabilities with it, and whether it was cut."""

    tokens: list[int]
    logprobs: list[float]
    truncated: bool = True


@dataclass
class _Slots:
    """The unfinished questions: B packs with K slots each.

    Attributes:
        question: (B, K) index of the question, -1 in an empty slot.
        visible: (B, K, L) bool, which of the L tokens so far the slot's next token may see.
        position: (B, K) position of the slot's next token.
        depth: (B, K) its place in its own row, which is not its position in mRoPE families.
        keys: (B, L) places of the tokens so far in their rows.
    """

    question: Tensor
    visible: Tensor
    position: Tensor
    depth: Tensor
    keys: Tensor


@torch.no_grad()
def decode(
    vlm: VLM,
    batch: Batch,
    *,
    max_new_tokens: int,
    features: FeatureStore,
    sampling: Sampling | None = None,
    cost: Cost | None = None,
) -> list[Decoded]:
    """Replies to the rows of a batch, in the order of ``batch.rows``.

    Greedy without ``sampling``; ties are then broken towards the smaller id. Each reply ends at one of the
    model's end tokens or after ``max_new_tokens``.
    """
    with working(vlm, batch) as follow:
        choose = chooser(sampling, [row.example for row in batch.rows])
        replies = _decode(vlm, batch, max_new_tokens, features, cost, follow, choose)
    if cost is not None:
        cost.replies(batch.rows, [len(reply.logprobs) for reply in replies])
        cost.notes = {**choices(vlm), **cost.notes}
    return replies


def _decode(
    vlm: VLM,
    batch: Batch,
    max_new_tokens: int,
    features: FeatureStore,
    cost: Cost | None,
    follow: Follow,
    choose: Choose,
) -> list[Decoded]:
    replies = [Decoded([], []) for _ in batch.rows]
    ends = frozenset(vlm.chat.end_ids)
    cache = GrowingCache()
    slots = _first_slots(batch)
    wanted = torch.zeros(batch.tokens, dtype=torch.bool, device=batch.last.device)
    wanted[batch.last] = True
    pictures = picture_inputs(vlm, batch, cost=cost, features=features)
    with phase(cost, "prompts"), attending(vlm, batch, flex=False) as mask:
        logits = _run(
            vlm,
            batch.input_ids,
            mask,
            batch.position_ids,
            cache,
            logits_to_keep=wanted.view(batch.input_ids.shape),
            **pictures,
        )
    if cost is not None:
        cost.forward(tokens=batch.tokens, head_rows=logits.shape[0])
    first = (wanted.cumsum(0) - 1)[batch.last][slots.question.clamp(min=0)]
    tokens, logprobs = choose(logits[first], slots.question)
    for step in range(max_new_tokens):
        open_slots = _write_down(slots, tokens, logprobs, replies, ends)
        if step == max_new_tokens - 1 or not bool(open_slots.any()):
            break
        slots, tokens = _compact(slots, tokens, open_slots, cache)
        positions, depth = slots.position, slots.depth
        slots = _grow(slots)
        mask = step_mask(vlm, slots.visible, depth, slots.keys)
        if batch.position_ids.dim() == 3:
            positions = positions.expand(3, *positions.shape)
        follow(slots.question)
        with phase(cost, "decoding"):
            across = _across(vlm, batch, slots)
            logits = _run(vlm, tokens, mask, positions, cache, **across)
            if cost is not None:
                cost.forward(tokens=tokens.numel(), head_rows=tokens.numel())
            tokens, logprobs = choose(logits, slots.question)
    return replies


def _run(
    vlm: VLM, ids: Tensor, mask: Any, positions: Tensor, cache: GrowingCache, **inputs: object
) -> Tensor:
    logits: Tensor = vlm.model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=positions,
        past_key_values=cache,
        use_cache=True,
        **inputs,
    ).logits
    return logits.float()


def _across(vlm: VLM, batch: Batch, slots: _Slots) -> dict[str, Tensor]:
    """What a family that looks across at pictures is told in each step: every token sees its picture."""
    shown = [batch.rows[max(line)].picture for line in slots.question.tolist()]
    pictures = [picture for picture in shown if picture is not None]
    return cross_mask(vlm, slots.question >= 0, pictures)


def _first_slots(batch: Batch) -> _Slots:
    """A slot for each question, beside the other questions of its pack."""
    length = batch.input_ids.shape[1]
    members: dict[int, list[int]] = defaultdict(list)
    for index, last in enumerate(batch.last.tolist()):
        members[last // length].append(index)
    packs, width = batch.input_ids.shape[0], max(len(m) for m in members.values())
    lines = [members[pack] + [-1] * (width - len(members[pack])) for pack in range(packs)]
    question = torch.tensor(lines, device=batch.last.device)
    column = batch.last[question.clamp(min=0)] % length
    row = torch.arange(packs, device=column.device)[:, None]
    # After text the mRoPE coordinates are equal; the next position is one more.
    positions = batch.position_ids if batch.position_ids.dim() == 2 else batch.position_ids.amax(dim=0)
    visible = batch.attention_mask[:, 0][row, column] & (question >= 0)[..., None]
    keys = batch.sight.depth
    return _Slots(question, visible, positions[row, column] + 1, keys[row, column] + 1, keys)


def _write_down(
    slots: _Slots, tokens: Tensor, logprobs: Tensor, replies: list[Decoded], ends: frozenset[int]
) -> Tensor:
    """Note the new tokens; returns (B, K) bool, True where a question goes on."""
    questions, chosen, scores = slots.question.tolist(), tokens.tolist(), logprobs.tolist()
    flags = [[False] * len(line) for line in questions]
    for b, k in (slots.question >= 0).nonzero().tolist():
        reply = replies[questions[b][k]]
        reply.logprobs.append(scores[b][k])
        if chosen[b][k] in ends:
            reply.truncated = False
        else:
            reply.tokens.append(chosen[b][k])
            flags[b][k] = True
    return torch.tensor(flags, device=tokens.device)


def _compact(slots: _Slots, tokens: Tensor, open_slots: Tensor, cache: GrowingCache) -> tuple[_Slots, Tensor]:
    """Leave out finished questions, and finished packs when they are many."""
    question = slots.question.masked_fill(~open_slots, -1)
    visible, position, depth, keys = slots.visible, slots.position, slots.depth, slots.keys
    rows = open_slots.any(dim=1)
    if int(rows.sum()) <= KEEP_SHARE * len(rows):
        keep = rows.nonzero()[:, 0]
        cache.select(keep)
        question, visible, position, tokens = (x[keep] for x in (question, visible, position, tokens))
        depth, keys = depth[keep], keys[keep]
        open_slots = open_slots[keep]
    width = int(open_slots.sum(dim=1).max())
    if width < question.shape[1]:
        order = (~open_slots).to(torch.int8).argsort(dim=1, stable=True)[:, :width]
        question, position, depth, tokens = (x.gather(1, order) for x in (question, position, depth, tokens))
        visible = visible.gather(1, order[..., None].expand(-1, -1, visible.shape[2]))
    return _Slots(question, visible & (question >= 0)[..., None], position, depth, keys), tokens


def _grow(slots: _Slots) -> _Slots:
    """Each slot's new token sees its own branch and itself."""
    packs, width = slots.question.shape
    itself = torch.eye(width, dtype=torch.bool, device=slots.visible.device).expand(packs, -1, -1)
    visible, keys = torch.cat([slots.visible, itself], dim=2), torch.cat([slots.keys, slots.depth], dim=1)
    return _Slots(slots.question, visible, slots.position + 1, slots.depth + 1, keys)
