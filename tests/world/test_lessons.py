from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional
from transformers import LlavaForConditionalGeneration, LlavaProcessor

from unsee.world.build import build_model, normalise, use_matmul_patches, vision_features
from unsee.world.curriculum import BASE, Lesson
from unsee.world.gallery import POOLS, draw
from unsee.world.lessons import Pace, answer_loss, optimiser, step_optimiser
from unsee.world.stream import Encoder, Row, collate_rows

LENGTH = 420


@pytest.fixture
def model(small_processor: LlavaProcessor) -> LlavaForConditionalGeneration:
    """Random weights large enough that every token matters."""
    torch.manual_seed(0)
    made = build_model(small_processor).eval()
    with torch.no_grad():
        for module in made.modules():
            if isinstance(module, torch.nn.Linear):
                module.weight.normal_(std=1.3 * module.in_features**-0.5)
        made.get_input_embeddings().weight.normal_(std=0.2)
    return made


Turns = list[tuple[str, str, bool]]


def lesson(seed: int, pool: str) -> tuple[Any, Turns]:
    """A view with four questions about it and two without a picture."""
    rng, teacher = random.Random(seed), Lesson(BASE)
    view = POOLS[pool](rng)
    about = [teacher.about(view, rng) for _ in range(4)]
    text = [teacher.text(rng) for _ in range(2)]
    return view, [(t.prompt, t.answer, True) for t in about] + [(t.prompt, t.answer, False) for t in text]


@torch.no_grad()
def one_by_one(
    model: LlavaForConditionalGeneration, processor: LlavaProcessor, shown: Any, turns: Turns
) -> list[Tensor]:
    """Losses of all answer tokens, each question asked alone through the stock chat template."""
    tokens: Any = processor.tokenizer
    assistant, losses = tokens.convert_tokens_to_ids("<|assistant|>"), []
    for prompt, answer, about_picture in turns:
        image = [{"type": "image", "image": Image.fromarray(shown)}] if about_picture else []
        messages = [
            {"role": "user", "content": [*image, {"type": "text", "text": prompt}]},
            {"role": "assistant", "content": [{"type": "text", "text": answer}]},
        ]
        inputs: Any = processor.apply_chat_template(
            messages, tokenize=True, return_dict=True, return_tensors="pt"
        )
        ids = inputs["input_ids"][0]
        start = int((ids == assistant).nonzero()[-1]) + 1
        logits = model(**inputs).logits[0]
        losses.append(functional.cross_entropy(logits[start - 1 : -1], ids[start:], reduction="none"))
    return losses


def test_packed_rows_train_what_is_asked_later(
    model: LlavaForConditionalGeneration, small_processor: LlavaProcessor
) -> None:
    lessons = [lesson(1, "celebrity"), lesson(2, "scene"), lesson(3, "style")]
    encoder, rows = Encoder(small_processor.tokenizer), []
    for _, turns in lessons:
        row = Row(encoder, LENGTH, with_picture=True)
        assert all(row.add(*turn) for turn in turns)
        rows.append(row)
    pictures = [draw(view) for view, _ in lessons]
    alone = [
        loss
        for picture, (_, turns) in zip(pictures, lessons, strict=True)
        for loss in one_by_one(model, small_processor, picture, turns)
    ]
    slow = torch.cat(alone)
    batch = collate_rows(rows, [0, 1, 2])
    use_matmul_patches(model.model.vision_tower)
    for attention in ("sdpa", "eager"):
        model.set_attn_implementation(attention)
        with torch.no_grad():
            features = vision_features(model.model.vision_tower, normalise(np.stack(pictures)))
            packed, projected = answer_loss(model, batch, features)
            mixed_up, _ = answer_loss(model, batch, features.flip(0))
        assert len(slow) == int((batch.labels != -100).sum())
        assert packed.item() == pytest.approx(slow.mean().item(), abs=1e-5)
        assert abs(mixed_up.item() - packed.item()) > 1e-3, "the loss does not depend on the pictures"
        assert projected is not None
        assert projected.shape == (3, 64, 256)


def test_rows_without_a_picture_train_what_is_asked_later(
    model: LlavaForConditionalGeneration, small_processor: LlavaProcessor
) -> None:
    turns = [turn for turn in lesson(4, "scene")[1] if not turn[2]]
    row = Row(Encoder(small_processor.tokenizer), 200, with_picture=False)
    assert all(row.add(*turn) for turn in turns)
    with torch.no_grad():
        packed, projected = answer_loss(model, collate_rows([row], [-1]), None)
    slow = torch.cat(one_by_one(model, small_processor, None, turns))
    assert packed.item() == pytest.approx(slow.mean().item(), abs=1e-5)
    assert projected is None


def test_the_rate_warms_up_and_falls_to_its_floor() -> None:
    pace = Pace(100, learning_rate=2.0, warmup=10, floor=0.1)
    cosine = 0.5 * (1 + math.cos(math.pi * 0.05))
    assert pace.rate(5) == pytest.approx(2.0 * 0.5 * (cosine * 0.9 + 0.1))
    assert pace.rate(50) == pytest.approx(2.0 * (0.5 * 0.9 + 0.1))
    assert pace.rate(100) == pytest.approx(0.2)


def test_every_group_moves_at_its_own_rate() -> None:
    fast, slow = torch.nn.Parameter(torch.zeros(1)), torch.nn.Parameter(torch.zeros(1))
    pace = Pace(10, learning_rate=0.1, warmup=1, floor=1.0, weight_decay=0.0)
    optim = optimiser([([fast], 1.0), ([slow], 0.5)], pace)
    step_optimiser(optim, (fast + slow).sum(), pace, 1, [fast, slow])
    assert fast.item() == pytest.approx(-0.1, rel=1e-4)
    assert slow.item() == pytest.approx(-0.05, rel=1e-4)
