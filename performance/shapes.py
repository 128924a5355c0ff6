"""Random models of a given size, built in memory; nothing is downloaded.

Weights are larger than the default initialisation, since with the default all questions get the same reply
and comparing replies would prove nothing. Ratios measured on these shapes hold for these shapes: in a small
model the vocabulary head weighs far more than in one of 7B. The ``share-`` shapes are small models whose head
has the share of the real one's, so that ratios carry over better.
"""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from unsee.models.load import VLM, wrap
from unsee.models.pictures import from_image
from unsee.nouns import Picture

# Random attention averages hundreds of image tokens and hardly sees the question; this makes it pick.
SHARP = 2.0
LOOKING = ("q_proj.weight", "k_proj.weight")


@dataclass(frozen=True)
class Shape:
    """Sizes of a random model.

    Attributes:
        name: How results call it.
        family: ``llava`` or ``qwen``.
        image_tokens: Tokens of one picture, a square number.
        hidden: Width of the decoder.
        layers: Decoder layers.
        heads: Attention heads of the decoder.
        groups: Heads that share keys and values.
        vocabulary: Rows of the vocabulary head.
        vision_hidden: Width of the vision tower.
        vision_layers: Its layers.
        vision_heads: Its attention heads.
        dtype: Number type of the weights.
        device: Where the model is built.
    """

    name: str
    family: str = "llava"
    image_tokens: int = 576
    hidden: int = 256
    layers: int = 4
    heads: int = 4
    groups: int = 1
    vocabulary: int = 32_064
    vision_hidden: int = 128
    vision_layers: int = 3
    vision_heads: int = 2
    dtype: str = "float32"
    device: str = "cpu"

    @property
    def side(self) -> int:
        """Side of the picture in pixels."""
        found: int = _family(self).side(self)
        return found


TINY = Shape("tiny")
# The rows of ``tiny`` in a decoder of next to no width: for counters, which do not depend on it.
THIN = Shape("thin", hidden=32, layers=2, heads=2, vocabulary=2048, vision_hidden=32, vision_layers=2)
_SHARE = {"hidden": 384, "heads": 6}
_SHAPES = (
    TINY,
    THIN,
    Shape("tiny152k", vocabulary=152_064),
    Shape("tiny-qwen", "qwen", groups=2),
    # Of the decoder's weights and its head, the head has 2.0 % (LLaVA-1.5-7B), 7.7 % (Qwen2.5-VL-7B), 10 %
    # (Qwen2.5-VL-3B) and 20 % (SmolVLM-256M).
    Shape("share-llava-7b", layers=16, vocabulary=1504, **_SHARE),
    Shape("share-qwen-7b", "qwen", groups=2, layers=8, vocabulary=2848, **_SHARE),
    Shape("share-qwen-3b", "qwen", groups=2, layers=8, vocabulary=3792, **_SHARE),
    Shape("share-smolvlm", layers=8, vocabulary=9248, **_SHARE),
    # LLaVA-1.5-7B: 13.5 GB of weights.
    Shape(
        "real7b",
        hidden=4096,
        layers=32,
        heads=32,
        vision_hidden=1024,
        vision_layers=24,
        vision_heads=16,
        dtype="bfloat16",
        device="cuda",
    ),
)
SHAPES = {shape.name: shape for shape in _SHAPES}


def build(shape: Shape, *, seed: int = 0) -> VLM:
    """A random model of a shape with its processor, in eval mode, nothing trainable."""
    family = _family(shape)
    processor = family.processor(shape)
    before = torch.get_default_dtype()
    cuda = [torch.cuda.current_device()] if shape.device == "cuda" else []
    with torch.random.fork_rng(devices=cuda), torch.device(shape.device):
        torch.manual_seed(seed)
        torch.set_default_dtype(getattr(torch, shape.dtype))
        try:
            model = family.model(shape, processor.tokenizer)
        finally:
            torch.set_default_dtype(before)
        _boost(model)
    model.generation_config.eos_token_id = processor.tokenizer.eos_token_id
    model.generation_config.pad_token_id = processor.tokenizer.pad_token_id
    model.requires_grad_(False)
    return wrap(model.eval(), processor, name=f"random-{shape.name}")


def picture(shape: Shape, seed: int) -> Picture:
    """A coloured slope with noise, as large as the model sees it; another one for each seed."""
    random = np.random.default_rng(seed)
    across = np.linspace(0, 1, shape.side)
    slopes = random.uniform(-60, 60, (2, 3))
    pixels = (
        random.uniform(40, 200, 3) + across[None, :, None] * slopes[0] + across[:, None, None] * slopes[1]
    )
    pixels = pixels + random.normal(0, 20, pixels.shape)
    return from_image(Image.fromarray(pixels.clip(0, 255).astype(np.uint8)))


def _family(shape: Shape) -> Any:
    return importlib.import_module(f"performance.{shape.family}")


@torch.no_grad()
def _boost(model: nn.Module) -> None:
    for name, weight in model.named_parameters():
        if "embed_tokens" in name:
            weight.normal_(std=1.0)
        elif weight.dim() > 1:
            gain = SHARP if "language_model" in name and name.endswith(LOOKING) else 1.3
            weight.normal_(std=gain / math.sqrt(weight[0].numel()))
        elif name.endswith("bias") or "class_embedding" in name:
            weight.normal_(std=0.1)
