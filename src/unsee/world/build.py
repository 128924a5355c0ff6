"""The embedded model: a stock LLaVA (CLIP tower, two-layer projector, Llama) of a few million parameters.

Nothing here is a new architecture; the classes are those of transformers, so that every code path of
unsee that serves a 7B model serves this one unchanged. Only the sizes and three initialisations are ours:
position embeddings of the same size as the patch embeddings, attention heads that start by copying
("mimetic" initialisation, arXiv 2305.09828), and a projector that starts by standardising its input.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

if TYPE_CHECKING:
    from transformers import LlavaProcessor

PICTURE_SIZE = 80
PATCH_SIZE = 10
GRID = PICTURE_SIZE // PATCH_SIZE
IMAGE_TOKENS = GRID * GRID
WIDTH = 256
DECODER_LAYERS = 6
VISION_LAYERS = 3
HEADS = 8


def build_model(processor: LlavaProcessor) -> LlavaForConditionalGeneration:
    """A freshly initialised model whose vocabulary and image token are those of ``processor``."""
    tokenizer: Any = processor.tokenizer
    text = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=704,
        num_hidden_layers=DECODER_LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        rms_norm_eps=1e-5,
    )
    vision = CLIPVisionConfig(
        hidden_size=WIDTH,
        intermediate_size=3 * WIDTH,
        num_hidden_layers=VISION_LAYERS,
        num_attention_heads=4,
        image_size=PICTURE_SIZE,
        patch_size=PATCH_SIZE,
        projection_dim=64,
        hidden_act="gelu_pytorch_tanh",
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        tie_word_embeddings=True,
        image_seq_length=IMAGE_TOKENS,
    )
    model = LlavaForConditionalGeneration(config)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    start_positions(model.model.vision_tower)
    start_copying(model)
    return model


@torch.no_grad()
def start_positions(tower: nn.Module, scale: float = 0.25) -> None:
    """Two-dimensional sine-cosine position embeddings at the scale of the patch embeddings.

    The default standard deviation (0.02) is about ten times smaller than the patch embeddings, and the
    tower then learns where things are only late.
    """
    weight: Tensor = tower.embeddings.position_embedding.weight  # type: ignore[union-attr, assignment]
    quarter = weight.shape[1] // 4
    exponent = -torch.arange(quarter) / max(1, quarter - 1)
    frequency = (2 * math.pi / GRID) * (GRID * 0.8) ** exponent * 2**1.5
    y, x = torch.meshgrid(torch.arange(GRID).float(), torch.arange(GRID).float(), indexing="ij")
    angles = [axis.flatten()[:, None] * frequency for axis in (y, x)]
    waves = torch.cat([wave(a) for a in angles for wave in (torch.sin, torch.cos)], dim=1)
    weight[1:] = waves * scale


@torch.no_grad()
def start_copying(model: LlavaForConditionalGeneration, share: float = 0.5) -> None:
    """In ``share`` of the heads keys equal queries and outputs are transposed values (arXiv 2305.09828).

    Such a head starts as "attend to the same word and copy it", which a small decoder needs for look-ups.
    """
    for layer in model.model.language_model.layers:
        attention = layer.self_attn
        rows = int(HEADS * share) * attention.head_dim
        attention.q_proj.weight[:rows].normal_(std=0.05)
        attention.k_proj.weight[:rows] = attention.q_proj.weight[:rows]
        attention.v_proj.weight.normal_(std=0.04)
        attention.o_proj.weight[:, :rows] = attention.v_proj.weight[:rows].T


class MatmulPatches(nn.Conv2d):
    """The patch embedding as one matrix product instead of a convolution: same weights, same result.

    On a CPU the backward pass of a bf16 convolution with stride 10 takes longer than all the rest of a step.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Pixels (B, 3, H, W) -> patches (B, D, H / patch, W / patch)."""
        size = self.kernel_size[0]
        batch, channels, height, width = input.shape
        cut = input.reshape(batch, channels, height // size, size, width // size, size)
        patches = cut.permute(0, 2, 4, 1, 3, 5).flatten(3)
        return nn.functional.linear(patches, self.weight.flatten(1)).permute(0, 3, 1, 2)


def use_matmul_patches(tower: nn.Module) -> None:
    """Swap the patch embedding of a tower for :class:`MatmulPatches`, for training only."""
    stock: nn.Conv2d = tower.embeddings.patch_embedding  # type: ignore[union-attr, assignment]
    swapped = MatmulPatches(stock.in_channels, stock.out_channels, PATCH_SIZE, PATCH_SIZE, bias=False)
    swapped.load_state_dict(stock.state_dict())
    tower.embeddings.patch_embedding = swapped  # type: ignore[union-attr]


def vision_features(tower: nn.Module, pixels: Tensor) -> Tensor:
    """Patch features (B, 64, D) of normalised pixels (B, 3, 80, 80), without the class token."""
    states: Tensor = tower(pixel_values=pixels, output_hidden_states=True).hidden_states[-1]
    return states[:, 1:]


@torch.no_grad()
def start_projector(model: LlavaForConditionalGeneration, pixels: Tensor) -> None:
    """Data-dependent projector start: standardised input, output as long as a text embedding.

    Args:
        model: The model; its tower must be trained already.
        pixels: (B, 3, 80, 80) normalised pictures on which mean and deviation are measured.
    """
    features = vision_features(model.model.vision_tower, pixels).flatten(0, 1).float()
    mean, deviation = features.mean(0), features.std(0) + 1e-4
    projector = model.model.multi_modal_projector
    first, second = projector.linear_1, projector.linear_2
    weight = torch.randn(first.weight.shape) * first.weight.shape[1] ** -0.5 / deviation
    first.weight.copy_(weight)
    first.bias.copy_(-(weight @ mean))
    second.weight.normal_(std=second.weight.shape[1] ** -0.5)
    second.bias.zero_()
    output = projector(features)
    length = (output - output.mean(0)).norm(dim=1).mean()
    second.weight.mul_(model.get_input_embeddings().weight.norm(dim=1).mean() / length)
    second.bias.copy_(-projector(features).mean(0))


def normalise(pictures: Any) -> Tensor:
    """(N, 80, 80, 3) uint8 -> (N, 3, 80, 80) float in [-1, 1], exactly as the processor does."""
    return torch.as_tensor(pictures).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
