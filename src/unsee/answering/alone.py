"""Decoding of rows that are sequences of their own: from a kept beginning, or from their first token on.

Rows of a pass have the same number of tokens left, so nothing is padded: a state that goes from token to
token would carry padding too. Where not even the model's own cache gives the logits of its own rows
(``Layout.form`` is ``rows``), every step reads the whole row again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from unsee.answering.decode import KEEP_SHARE, Decoded
from unsee.answering.sampling import Choose, Sampling, chooser
from unsee.models.hooks import Follow, follow_nothing
from unsee.models.load import VLM
from unsee.nouns import UserError
from unsee.packs.attention import choices
from unsee.packs.cost import Cost, phase
from unsee.packs.families import has_rope_grid, layout_of
from unsee.packs.features import FeatureStore
from unsee.packs.pack import Batch, build_packs, collate
from unsee.packs.prefix import copies, keep, positions_behind, starts
from unsee.packs.rows import Row
from unsee.packs.tokens import picture_inputs, working

Again = Callable[[Sequence[Row], Sequence[Sequence[int]]], Tensor]  # rows, tokens said -> (B, 1, V) logits


@dataclass
class _Open:
    """Unfinished replies. B rows.

    Attributes:
        question: (B, 1) index of the row.
        tokens: (B, 1) newest token.
        position: (B, 1) its position.
        length: Tokens in the cache.
    """

    question: Tensor
    tokens: Tensor
    position: Tensor
    length: int


@torch.no_grad()
def decode_alone(
    vlm: VLM,
    rows: Sequence[Row],
    *,
    max_new_tokens: int,
    features: FeatureStore,
    max_rows: int,
    max_tokens: int,
    sampling: Sampling | None = None,
    cost: Cost | None = None,
) -> Iterator[tuple[tuple[int, ...], list[Decoded]]]:
    """Replies to all rows, pass by pass, each with the indices of its rows.

    Args:
        vlm: A model that makes its own masks (``Layout.own``), in eval mode.
        rows: Rows without an answer.
        max_new_tokens: Replies are cut here.
        features: Where features of pictures are kept.
        max_rows: Most rows in a pass.
        max_tokens: Most tokens in a pass, those that are copied included.
        sampling: Temperature, seed and banned ids; None = greedy.
        cost: Counters to add to.
    """
    _check_hook(vlm)

    def again(asked: Sequence[Row], said: Sequence[Sequence[int]]) -> Tensor:
        grown = [_longer(vlm, row, tokens) for row, tokens in zip(asked, said, strict=True)]
        return _whole(vlm, collate(vlm, build_packs(vlm, grown)), features, cost)[0]

    for start in starts(vlm, rows):
        cache = keep(vlm, start, features=features, cost=cost) if start.common else None
        for chosen in _alike(start.rows, max_rows, max_tokens):
            asked = [start.rows[i] for i in chosen]
            choose = chooser(sampling, [row.example for row in asked])
            if cache is None:
                batch = collate(vlm, build_packs(vlm, asked))
                with working(vlm, batch) as follow:
                    first = _whole(vlm, batch, features, cost)
                    step = again if layout_of(vlm).form == "rows" else None
                    replies = _go_on(vlm, asked, first, max_new_tokens, choose, follow, cost, step)
            else:
                first = _behind(vlm, asked, start.common, copies(cache, len(asked)), cost)
                replies = _go_on(vlm, asked, first, max_new_tokens, choose, follow_nothing, cost)
            if cost is not None:
                cost.replies(asked, [len(reply.logprobs) for reply in replies])
                cost.notes = {**choices(vlm), **cost.notes}
            yield tuple(start.order[i] for i in chosen), replies


def _longer(vlm: VLM, row: Row, said: Sequence[int]) -> Row:
    """The row with what the model said; an image placeholder that it said stands for no picture."""
    pad = vlm.tokenizer.pad_token_id or 0
    ids = (*row.ids, *(pad if token == vlm.chat.image_token_id else token for token in said))
    return replace(row, ids=ids, answer_start=len(ids))


def _check_hook(vlm: VLM) -> None:
    """Hooks act on cached steps, which this family does not have."""
    if vlm.hook is not None and layout_of(vlm).form == "rows":
        raise UserError(
            "hooks cannot act on this model",
            got=f"{vlm.hook.name} on {vlm.base.config.model_type}",
            expected="a family whose cache gives the logits of its rows",
            remedy="use a method that trains weights, or a family of: unsee list models",
        )


def _alike(rows: Sequence[Row], max_rows: int, max_tokens: int) -> Iterator[list[int]]:
    """Indices of rows of one length and one number of pictures, as many as may go together."""
    groups: dict[tuple[int, int], list[int]] = {}
    for i, row in enumerate(rows):
        groups.setdefault((len(row.ids), len(row.pictures)), []).append(i)
    for (length, _), group in groups.items():
        size = max(1, min(max_rows, max_tokens // length))
        yield from (group[i : i + size] for i in range(0, len(group), size))


def _whole(
    vlm: VLM, batch: Batch, features: FeatureStore, cost: Cost | None
) -> tuple[Tensor, Tensor, Any, int]:
    """Logits (B, 1, V) behind the rows, position (B, 1) of what follows, cache and its length."""
    pictures = picture_inputs(vlm, batch, cost=cost, features=features)
    return _prompts(vlm, batch.input_ids, batch.position_ids, None, batch.input_ids.shape[1], cost, pictures)


def _behind(
    vlm: VLM, rows: Sequence[Row], common: int, cache: Any, cost: Cost | None
) -> tuple[Tensor, Tensor, Any, int]:
    """As :func:`_whole`, going on from what was kept of the rows' common tokens."""
    ids = torch.tensor([row.ids[common:] for row in rows], device=vlm.device)
    return _prompts(vlm, ids, positions_behind(vlm, rows, common), cache, len(rows[0].ids), cost, {})


def _prompts(
    vlm: VLM, ids: Tensor, positions: Tensor, cache: Any, length: int, cost: Cost | None, inputs: Any
) -> tuple[Tensor, Tensor, Any, int]:
    with phase(cost, "prompts"):
        out = vlm.model(
            input_ids=ids,
            attention_mask=torch.ones((len(ids), length), dtype=torch.long, device=vlm.device),
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
            **inputs,
        )
    if cost is not None:
        cost.forward(tokens=ids.numel(), head_rows=len(ids))
    # After text the mRoPE coordinates are equal; the next position is one more.
    last = (positions if positions.dim() == 2 else positions.amax(dim=0))[:, -1:]
    return out.logits.float(), last + 1, out.past_key_values, length


def _go_on(
    vlm: VLM,
    rows: Sequence[Row],
    first: tuple[Tensor, Tensor, Any, int],
    max_new_tokens: int,
    choose: Choose,
    follow: Follow,
    cost: Cost | None,
    again: Again | None = None,
) -> list[Decoded]:
    """Replies token by token, from the first logits on; ``again`` reads rows anew instead of the cache."""
    logits, position, cache, length = first
    cache = cache if again is None else None
    replies = [Decoded([], []) for _ in rows]
    question = torch.arange(len(rows), device=vlm.device)[:, None]
    tokens, logprobs = choose(logits, question)
    now = _Open(question, tokens, position, length)
    for step in range(max_new_tokens):
        goes_on = _note(now, logprobs, replies, frozenset(vlm.chat.end_ids))
        if step == max_new_tokens - 1 or not bool(goes_on.any()):
            break
        now = _fewer(now, goes_on, cache)
        follow(now.question)
        with phase(cost, "decoding"):
            if again is None:
                logits = _step(vlm, now, cache, cost)
            else:
                asked = now.question[:, 0].tolist()
                logits = again([rows[i] for i in asked], [replies[i].tokens for i in asked])
            tokens, logprobs = choose(logits, now.question)
        now = _Open(now.question, tokens, now.position + 1, now.length + 1)
    return replies


def _note(now: _Open, logprobs: Tensor, replies: list[Decoded], ends: frozenset[int]) -> Tensor:
    """Write down the new tokens of unfinished replies; (B,) bool, True where a reply goes on."""
    goes_on = []
    for index, token, logprob in zip(
        now.question[:, 0].tolist(), now.tokens[:, 0].tolist(), logprobs[:, 0].tolist(), strict=True
    ):
        reply = replies[index]
        if reply.truncated:
            reply.logprobs.append(logprob)
            reply.truncated = token not in ends
            reply.tokens += [token] * reply.truncated
        goes_on.append(reply.truncated)
    return torch.tensor(goes_on, device=now.tokens.device)


def _fewer(now: _Open, goes_on: Tensor, cache: Any) -> _Open:
    """Without the finished replies, when they are many: dropping them copies the cache of the others."""
    if cache is not None and int(goes_on.sum()) > KEEP_SHARE * len(goes_on):
        return now
    kept = goes_on.nonzero()[:, 0]
    if cache is not None:
        cache.reorder_cache(kept)
    return _Open(now.question[kept], now.tokens[kept], now.position[kept], now.length)


def _step(vlm: VLM, now: _Open, cache: Any, cost: Cost | None) -> Tensor:
    """Logits (B, 1, V) behind the newest tokens."""
    positions = now.position
    if has_rope_grid(vlm):
        positions = positions.expand(3, *positions.shape)
    mask = torch.ones((len(now.tokens), now.length + 1), dtype=torch.long, device=vlm.device)
    logits: Tensor = vlm.model(
        input_ids=now.tokens,
        attention_mask=mask,
        position_ids=positions,
        past_key_values=cache,
        use_cache=True,
    ).logits
    if cost is not None:
        cost.forward(tokens=now.tokens.numel(), head_rows=now.tokens.numel())
    return logits.float()
