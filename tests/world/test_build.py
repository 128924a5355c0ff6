from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from transformers import LlavaForConditionalGeneration, LlavaProcessor

from unsee.world import build


@pytest.fixture
def model(small_processor: LlavaProcessor) -> LlavaForConditionalGeneration:
    torch.manual_seed(0)
    return build.build_model(small_processor)


def pixels(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 80, 80, 3), dtype=np.uint8)


def test_pictures_are_normalised_as_the_processor_does(small_processor: LlavaProcessor) -> None:
    shown = pixels(2)
    images: Any = small_processor.image_processor
    stock = images([Image.fromarray(p) for p in shown], return_tensors="pt")["pixel_values"]
    assert torch.allclose(build.normalise(shown), stock, atol=1e-6)


def test_vocabulary_and_special_tokens_come_from_the_processor(
    model: LlavaForConditionalGeneration, small_processor: LlavaProcessor
) -> None:
    tokens: Any = small_processor.tokenizer
    assert model.get_input_embeddings().weight.shape == (len(tokens), build.WIDTH)
    assert model.config.image_token_id == tokens.convert_tokens_to_ids("<image>")
    assert model.generation_config.eos_token_id == tokens.convert_tokens_to_ids("<|end|>")
    assert model.lm_head.weight is model.get_input_embeddings().weight


def test_positions_start_distinct_and_as_long_as_intended(model: LlavaForConditionalGeneration) -> None:
    weight: Any = model.model.vision_tower.embeddings.position_embedding.weight[1:]
    # sine and cosine of one angle: squares add up to 1 for each of the 2 x 64 frequencies
    assert torch.allclose(weight.norm(dim=1), torch.full((64,), 0.25 * 128**0.5), atol=1e-4)
    assert torch.cdist(weight, weight).add(torch.eye(64) * 9).min() > 0.1


def test_half_of_the_heads_start_as_copiers(model: LlavaForConditionalGeneration) -> None:
    half = build.WIDTH // 2
    for layer in model.model.language_model.layers:
        own = layer.self_attn
        assert torch.equal(own.q_proj.weight[:half], own.k_proj.weight[:half])
        assert not torch.equal(own.q_proj.weight[half:], own.k_proj.weight[half:])
        assert torch.equal(own.o_proj.weight[:, :half], own.v_proj.weight[:half].T)
        assert not torch.equal(own.o_proj.weight[:, half:], own.v_proj.weight[half:].T)


def test_the_projector_starts_centred_and_as_long_as_words(model: LlavaForConditionalGeneration) -> None:
    shown = build.normalise(pixels(4))
    build.start_projector(model, shown)
    with torch.no_grad():
        features = build.vision_features(model.model.vision_tower, shown).flatten(0, 1)
        output = model.model.multi_modal_projector(features)
    words = model.get_input_embeddings().weight.norm(dim=1).mean()
    assert torch.allclose(output.mean(0), torch.zeros(build.WIDTH), atol=1e-4)
    assert output.norm(dim=1).mean().item() == pytest.approx(words.item(), rel=1e-3)


def test_patches_as_a_matrix_product_equal_the_convolution(model: LlavaForConditionalGeneration) -> None:
    tower: nn.Module = model.model.vision_tower
    shown, names = build.normalise(pixels(2)), list(tower.state_dict())
    with torch.no_grad():
        before = build.vision_features(tower, shown)
        build.use_matmul_patches(tower)
        after = build.vision_features(tower, shown)
    assert isinstance(tower.get_submodule("embeddings.patch_embedding"), build.MatmulPatches)
    assert torch.allclose(before, after, atol=1e-4)
    assert list(tower.state_dict()) == names
