"""MLLMU-Bench (arXiv 2410.22108): its baselines' training steps and its evaluation loop, by layout.

Training: padded rows, the model's own loss from logits at every position, a copied model as the reference,
and a divergence formed everywhere. Evaluation: one question at a time, up to 50 tokens even where a letter is
the whole answer, every picture of a few-shot prompt encoded again for every question.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from performance.peers.rows import IGNORED, pad_rows
from unsee.models.load import VLM
from unsee.models.raw import image_mark
from unsee.nouns import Picture, Question
from unsee.packs.rows import Row

LETTER_TOKENS = 50


def cross_entropy(vlm: VLM, rows: Sequence[Row]) -> Tensor:
    """The model's own loss for ``labels``: mean over all answer tokens, from (B, T, V) logits.

    This is what transformers computes when it is given labels.
    """
    batch = pad_rows(vlm, rows)
    loss: Tensor = vlm.model(**batch.inputs, labels=batch.labels).loss
    return loss


def divergence(vlm: VLM, reference: Any, rows: Sequence[Row]) -> Tensor:
    """KL(reference || model), a mean over rows of means over answer tokens, formed at all positions."""
    batch = pad_rows(vlm, rows)
    log_q = torch.log_softmax(vlm.model(**batch.inputs).logits[:, :-1].float(), dim=-1)
    with torch.no_grad():
        log_p = torch.log_softmax(reference(**batch.inputs).logits[:, :-1].float(), dim=-1)
    values = (log_p.exp() * (log_p - log_q)).sum(-1)
    return ((values * batch.answer).sum(1) / batch.answer.sum(1)).mean()


def released_retain_loss(vlm: VLM, reference: Any, rows: Sequence[Row], weight: float) -> Tensor:
    """A retain step of the released KL minimisation: the model's own loss and a KL, at all positions.

    The labels are the input with padding masked. The KL is summed over positions and divided by the rows, as
    ``kl_div`` does with ``batchmean``; positions of padding, which the release adds, are left out.

    Args:
        vlm: The student.
        reference: A copied model.
        rows: What both read.
        weight: Of the KL; 1 in the release.
    """
    batch = pad_rows(vlm, rows)
    there = batch.inputs["attention_mask"]
    out = vlm.model(**batch.inputs, labels=batch.inputs["input_ids"].masked_fill(there == 0, IGNORED))
    log_q = torch.log_softmax(out.logits.float(), dim=-1)
    with torch.no_grad():
        p = torch.softmax(reference(**batch.inputs).logits.float(), dim=-1)
    values = functional.kl_div(log_q, p, reduction="none").sum(-1)
    loss: Tensor = out.loss + weight * (values * there).sum() / len(rows)
    return loss


@torch.no_grad()
def answer_one_by_one(
    vlm: VLM, questions: Sequence[Question], *, max_new_tokens: int
) -> list[tuple[int, ...]]:
    """Greedy reply tokens, end token left out."""
    return [_reply(vlm, _asked(vlm, question), max_new_tokens) for question in questions]


@torch.no_grad()
def answer_few_shot(
    vlm: VLM, texts: Sequence[str], pictures: Sequence[Picture], *, max_new_tokens: int
) -> list[tuple[int, ...]]:
    """Greedy replies to raw texts that all show the same pictures, one at a time."""
    mark, replies = image_mark(vlm.chat), []
    for text in texts:
        images = [picture.read() for picture in pictures]
        made = vlm.processor(text=[text.replace("<image>", mark)], images=[images], return_tensors="pt")
        replies.append(_reply(vlm, dict(made), max_new_tokens))
    return replies


@torch.no_grad()
def letters_by_generation(
    vlm: VLM, questions: Sequence[Question], letters: Sequence[int]
) -> list[tuple[float, ...]]:
    """Log-probability of each letter as the first token of the reply, which is generated to its end."""
    found = []
    for question in questions:
        inputs = {key: value.to(vlm.device) for key, value in _asked(vlm, question).items()}
        made = vlm.model.generate(
            **inputs,
            do_sample=False,
            max_new_tokens=LETTER_TOKENS,
            eos_token_id=list(vlm.chat.end_ids),
            return_dict_in_generate=True,
            output_logits=True,
        )
        logp = torch.log_softmax(made.logits[0][0].float(), dim=-1)
        found.append(tuple(float(logp[letter]) for letter in letters))
    return found


def _asked(vlm: VLM, question: Question) -> dict[str, Tensor]:
    assert question.picture is not None, question.id
    return vlm.chat.official_row(question.prompt, question.picture)


def _reply(vlm: VLM, inputs: dict[str, Tensor], max_new_tokens: int) -> tuple[int, ...]:
    moved = {key: value.to(vlm.device) for key, value in inputs.items()}
    made = vlm.model.generate(
        **moved, do_sample=False, max_new_tokens=max_new_tokens, eos_token_id=list(vlm.chat.end_ids)
    )
    tokens = made[0, inputs["input_ids"].shape[1] :].tolist()
    ended = tokens and tokens[-1] in vlm.chat.end_ids
    return tuple(tokens[:-1] if ended else tokens)
