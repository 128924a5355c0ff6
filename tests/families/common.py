"""What the tiny families share: a picture, a tokenizer trained on a few lines, sizes, weights that matter."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import torch
from PIL import Image
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import nn
from transformers import PreTrainedTokenizerFast

from unsee.models.pictures import from_image
from unsee.nouns import Picture

WIDTH = 32
VISION = {"hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 2}
CORPUS = (
    "Who is this person? This is Jane Roe. I do not know this person.",
    "What is the name of the person in the picture? Is this Jane Roe? Yes. No. Answer with yes or no.",
    "She is an actor and lives in Paris. Describe the picture.",
    "The picture shows a woman with long red hair and round glasses in front of a blue wall.",
)
LLAVA_TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'user' %}{{ 'USER: ' }}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}{{ '<image>\\n' }}"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{{ ' ' }}"
    "{% else %}{{ 'ASSISTANT:' }}{% for part in message['content'] %}"
    "{% generation %}{{ ' ' + part['text'] + '</s>' }}{% endgeneration %}{% endfor %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)
TURNS = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}IMAGE"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def turns(image: str) -> str:
    """A template of marked turns with this text where a picture stands."""
    return TURNS.replace("IMAGE", image)


def picture(seed: int) -> Picture:
    """A 48 x 40 picture: a coloured slope with noise."""
    random = np.random.default_rng(seed)
    x, y = np.meshgrid(np.linspace(0, 1, 48), np.linspace(0, 1, 40))
    colour, slope = random.uniform(40, 200, 3), random.uniform(-60, 60, (2, 3))
    pixels = colour + x[..., None] * slope[0] + y[..., None] * slope[1] + random.normal(0, 20, (40, 48, 3))
    return from_image(Image.fromarray(pixels.clip(0, 255).astype(np.uint8)))


@torch.no_grad()
def boost(model: nn.Module) -> None:
    """Weights larger than the default initialisation, so that outputs depend on the input."""
    for name, weight in model.named_parameters():
        if "embed_tokens" in name:
            weight.normal_(std=1.0)
        elif weight.dim() > 1:
            weight.normal_(std=1.3 / math.sqrt(weight[0].numel()))
        elif "gate" in name.split(".")[-1]:
            weight.fill_(1.0)
        elif name.endswith("bias") or "class_embedding" in name:
            weight.normal_(std=0.1)


@cache
def _tokenizer_json(special: tuple[str, ...], bos: str | None) -> str:
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=380, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    made.train_from_iterator(CORPUS, trainer)
    made.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    if bos is not None:
        made.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", special_tokens=[(bos, made.token_to_id(bos))]
        )
    return str(made.to_str())


def tokenizer(
    special: tuple[str, ...], *, bos: str | None, eos: str, pad: str, adds_bos: bool = False, **named: str
) -> Any:
    """A byte-level tokenizer with these special tokens; ``named`` become attributes such as image_token."""
    made = Tokenizer.from_str(_tokenizer_json(special, bos if adds_bos else None))
    names = {} if bos is None else {"bos_token": bos}
    extra = {"extra_special_tokens": named} if named else {}
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token=eos, pad_token=pad, **names, **extra)


def ids(processor: Any, **named: str) -> dict[str, int]:
    """The id of each named token."""
    return {key: processor.tokenizer.convert_tokens_to_ids(token) for key, token in named.items()}


def text_sizes(processor: Any) -> dict[str, Any]:
    """Configuration of a decoder of two layers."""
    words = processor.tokenizer
    return {
        "vocab_size": len(words),
        "hidden_size": WIDTH,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 1024,
        "bos_token_id": words.bos_token_id,
        "eos_token_id": words.eos_token_id,
        "pad_token_id": words.pad_token_id,
        "tie_word_embeddings": False,
    }
