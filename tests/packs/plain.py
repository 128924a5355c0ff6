"""The slow way: one sequence per question, stock processor, stock forward, full logits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from unsee.models.load import VLM
from unsee.nouns import Picture
from unsee.packs.rows import Row


def processor_inputs(vlm: VLM, prompt: str, picture: Picture | None, answer: str | None) -> dict[str, Any]:
    """What the processor itself returns for one conversation."""
    content: list[dict[str, Any]] = [{"type": "text", "text": prompt}]
    if picture is not None:
        content.insert(0, {"type": "image", "image": picture.read()})
    messages: list[dict[str, Any]] = [{"role": "user", "content": content}]
    if answer is not None:
        messages.append({"role": "assistant", "content": [{"type": "text", "text": answer}]})
    return dict(
        vlm.processor.apply_chat_template(
            [messages],
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            add_generation_prompt=answer is None,
        )
    )


def plain_forward(vlm: VLM, row: Row, prompt: str, answer: str, *, states: bool = False) -> Any:
    """The stock model's output for this row alone; ``states`` asks for the outputs of all layers too."""
    inputs = processor_inputs(vlm, prompt, row.picture, answer)
    length = len(row.ids)
    full = inputs["input_ids"]
    shared = min(length, full.shape[1])
    # Only trailing text after the end of the turn may differ.
    assert full[0, : length - 1].tolist() == list(row.ids[: length - 1]), "the row is not the processor's row"
    if shared < length:
        full = torch.cat([full, torch.tensor([row.ids[shared:]])], dim=1)
    inputs["input_ids"] = full[:, :length].clone()
    inputs["input_ids"][0, -1] = row.ids[-1]
    inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    if "mm_token_type_ids" in inputs:
        kinds = torch.zeros_like(inputs["input_ids"])
        kinds[:, :shared] = inputs["mm_token_type_ids"][:, :shared]
        inputs["mm_token_type_ids"] = kinds
    return vlm.model(**inputs, output_hidden_states=states)


def plain_logp(vlm: VLM, row: Row, prompt: str, answer: str) -> Tensor:
    """(n,) log-probability of each answer token of ``row``, from full logits of this row alone."""
    length = len(row.ids)
    logits = plain_forward(vlm, row, prompt, answer).logits[0].float()
    log_probs = torch.log_softmax(logits, dim=-1)
    steps = range(row.answer_start, length)
    return torch.stack([log_probs[t - 1, row.ids[t]] for t in steps])
