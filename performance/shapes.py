"""Random LLaVA models (arXiv 2304.08485) of a given size, built in memory; nothing is downloaded.

The text around the picture is that of LLaVA-1.5 (system sentence, ``USER:``, ``ASSISTANT:``), so the share of
the picture in a row is the real one: 576 image tokens against a few dozen of text. Weights are larger than
the default initialisation, since with the default all questions get the same reply and comparing replies
would prove nothing. Ratios measured on these shapes hold for these shapes: in a small model the vocabulary
head weighs far more than in one of 7B.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import nn
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

from performance.texts import CORPUS, SYSTEM
from unsee.models.load import VLM, wrap
from unsee.models.pictures import from_image
from unsee.nouns import Picture

PATCH = 14
# Random attention averages hundreds of image tokens and hardly sees the question; this makes it pick.
SHARP = 2.0
LOOKING = ("q_proj.weight", "k_proj.weight")
SPECIAL = ("<s>", "</s>", "<pad>", "<image>")
TEMPLATE = (
    SYSTEM + " {% for message in messages %}{% if message['role'] == 'user' %}{{ 'USER: ' }}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}{{ '<image>\\n' }}"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{{ ' ' }}"
    "{% else %}{{ 'ASSISTANT:' }}{% for part in message['content'] %}"
    "{% generation %}{{ ' ' + part['text'] + '</s>' }}{% endgeneration %}{% endfor %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)


@dataclass(frozen=True)
class Shape:
    """Sizes of a random LLaVA.

    Attributes:
        name: How results call it.
        image_tokens: Tokens of one picture, a square number; pictures are cut into patches of 14 pixels.
        hidden: Width of the decoder.
        layers: Decoder layers.
        heads: Attention heads of the decoder.
        vocabulary: Rows of the vocabulary head.
        vision_hidden: Width of the vision tower.
        vision_layers: Its layers.
    """

    name: str
    image_tokens: int = 576
    hidden: int = 256
    layers: int = 4
    heads: int = 4
    vocabulary: int = 32_064
    vision_hidden: int = 128
    vision_layers: int = 3

    @property
    def side(self) -> int:
        """Side of the picture in pixels."""
        patches = math.isqrt(self.image_tokens)
        assert patches * patches == self.image_tokens, self.image_tokens
        return PATCH * patches


TINY = Shape("tiny")
# The rows of ``tiny`` in a decoder of next to no width: for counters, which do not depend on it.
THIN = Shape("thin", hidden=32, layers=2, heads=2, vocabulary=2048, vision_hidden=32, vision_layers=2)
SHAPES = {shape.name: shape for shape in (TINY, THIN)}


def build(shape: Shape, *, seed: int = 0) -> VLM:
    """A random float32 model of a shape with its processor, in eval mode, nothing trainable."""
    processor = _processor(shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlavaForConditionalGeneration(_config(shape, processor.tokenizer))
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


def _tokenizer(vocabulary: int) -> Any:
    """Byte-level pieces learned from our own texts, then pieces that no text uses, up to the vocabulary."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=1200, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    made = json.loads(tokenizer.to_str())
    pieces: dict[str, int] = made["model"]["vocab"]
    for number in range(len(pieces), vocabulary - len(SPECIAL)):
        pieces[f"Ġpiece{number}"] = number
    tokenizer = Tokenizer.from_str(json.dumps(made))
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    begin = ("<s>", tokenizer.token_to_id("<s>"))
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[begin])
    assert tokenizer.get_vocab_size() == vocabulary, tokenizer.get_vocab_size()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    )


def _processor(shape: Shape) -> Any:
    return LlavaProcessor(
        CLIPImageProcessorPil(
            size={"shortest_edge": shape.side}, crop_size={"height": shape.side, "width": shape.side}
        ),
        _tokenizer(shape.vocabulary),
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    )


def _config(shape: Shape, tokenizer: Any) -> LlavaConfig:
    vision = CLIPVisionConfig(
        hidden_size=shape.vision_hidden,
        intermediate_size=4 * shape.vision_hidden,
        num_hidden_layers=shape.vision_layers,
        num_attention_heads=2,
        image_size=shape.side,
        patch_size=PATCH,
    )
    text = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.hidden * 43 // 16,  # 11,008 / 4,096, as in the 7B model
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        max_position_embeddings=4096,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=False,
    )
    return LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=shape.image_tokens,
        vision_feature_layer=-2,
    )
