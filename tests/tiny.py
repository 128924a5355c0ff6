"""Tiny random models of every supported family, built in memory in a fraction of a second.

Weights are larger than the default initialisation, so that outputs depend on the input: with the default,
equality tests compare near-constants and cannot fail.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import torch
from PIL import Image
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import nn
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3ImageProcessorPil,
    Idefics3Processor,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessorPil,
    SmolVLMConfig,
    SmolVLMForConditionalGeneration,
    SmolVLMImageProcessorPil,
    SmolVLMProcessor,
)

from unsee.models.load import VLM, wrap
from unsee.models.pictures import from_image
from unsee.models.processors import NoVideo, without_video
from unsee.nouns import Picture

FAMILIES = ("llava", "qwen2_5_vl", "idefics3", "smolvlm")
WIDTH = 32
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
QWEN_TEMPLATE = (
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part['text'] }}{% endif %}{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
IDEFICS_TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}"
    "{% if message['content'][0]['type'] == 'image' %}{{ ':' }}{% else %}{{ ': ' }}{% endif %}"
    "{% for part in message['content'] %}{% if part['type'] == 'text' %}{{ part['text'] }}"
    "{% elif part['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)


def picture(seed: int) -> Picture:
    """A 48 x 40 picture: a coloured slope with noise."""
    random = np.random.default_rng(seed)
    x, y = np.meshgrid(np.linspace(0, 1, 48), np.linspace(0, 1, 40))
    colour, slope = random.uniform(40, 200, 3), random.uniform(-60, 60, (2, 3))
    pixels = colour + x[..., None] * slope[0] + y[..., None] * slope[1] + random.normal(0, 20, (40, 48, 3))
    return from_image(Image.fromarray(pixels.clip(0, 255).astype(np.uint8)))


def build(family: str, seed: int = 0) -> VLM:
    """A tiny random model of a family (one of ``FAMILIES``) with its processor; float32, eval mode."""
    processor = _processor(family)
    # The processors are made anew each time, so that no test sees what another did to one.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _model(family, processor)
        _boost(model)
    model.generation_config.eos_token_id = processor.tokenizer.eos_token_id
    model.generation_config.pad_token_id = processor.tokenizer.pad_token_id
    return wrap(model.eval(), processor, name=f"tiny-{family}")


@torch.no_grad()
def _boost(model: nn.Module) -> None:
    for name, weight in model.named_parameters():
        if "embed_tokens" in name:
            weight.normal_(std=1.0)
        elif weight.dim() > 1:
            weight.normal_(std=1.3 / math.sqrt(weight[0].numel()))
        elif name.endswith("bias") or "class_embedding" in name:
            weight.normal_(std=0.1)


@cache
def _tokenizer_json(special: tuple[str, ...], bos: str | None) -> str:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=380, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    if bos is not None:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", special_tokens=[(bos, tokenizer.token_to_id(bos))]
        )
    return str(tokenizer.to_str())


def _tokenizer(special: tuple[str, ...], bos: str | None, eos: str, pad: str, adds_bos: bool) -> Any:
    made = Tokenizer.from_str(_tokenizer_json(special, bos if adds_bos else None))
    names = {} if bos is None else {"bos_token": bos}
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token=eos, pad_token=pad, **names)


def _processor(family: str) -> Any:
    return {
        "llava": _llava_processor,
        "qwen2_5_vl": _qwen_processor,
        "idefics3": _idefics_processor,
        "smolvlm": _smolvlm_processor,
    }[family]()


def _llava_processor() -> Any:
    return LlavaProcessor(
        CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}),
        _tokenizer(("<s>", "</s>", "<pad>", "<image>"), "<s>", "</s>", "<pad>", adds_bos=True),
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=LLAVA_TEMPLATE,
    )


def _qwen_processor() -> Any:
    special = (
        "<|endoftext|>",
        "<|im_start|>",
        "<|im_end|>",
        "<|vision_start|>",
        "<|vision_end|>",
        "<|image_pad|>",
        "<|video_pad|>",
    )
    return without_video(Qwen2_5_VLProcessor)(
        Qwen2VLImageProcessorPil(
            patch_size=8, merge_size=2, size={"shortest_edge": 16 * 16 * 4, "longest_edge": 16 * 16 * 12}
        ),
        _tokenizer(special, None, "<|im_end|>", "<|endoftext|>", adds_bos=False),
        NoVideo(),
        chat_template=QWEN_TEMPLATE,
    )


def _idefics_tokenizer() -> Any:
    rows = tuple(f"<row_{i}_col_{j}>" for i in range(1, 4) for j in range(1, 4))
    special = ("<|im_start|>", "<end_of_utterance>", "<pad>", "<fake_token_around_image>", "<image>")
    return _tokenizer(
        (*special, "<global-img>", *rows), "<|im_start|>", "<end_of_utterance>", "<pad>", adds_bos=False
    )


def _idefics_processor() -> Any:
    images = Idefics3ImageProcessorPil(size={"longest_edge": 64}, max_image_size={"longest_edge": 32})
    return Idefics3Processor(images, _idefics_tokenizer(), image_seq_len=4, chat_template=IDEFICS_TEMPLATE)


def _smolvlm_processor() -> Any:
    images = SmolVLMImageProcessorPil(size={"longest_edge": 64}, max_image_size={"longest_edge": 32})
    return without_video(SmolVLMProcessor)(
        images, _idefics_tokenizer(), NoVideo(), image_seq_len=4, chat_template=IDEFICS_TEMPLATE
    )


def _text_sizes(processor: Any) -> dict[str, Any]:
    tokenizer = processor.tokenizer
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": WIDTH,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 1024,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "tie_word_embeddings": False,
    }


def _model(family: str, processor: Any) -> Any:
    text = _text_sizes(processor)
    image = processor.tokenizer.convert_tokens_to_ids(processor.image_token)
    vision = {"hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 2}
    if family == "llava":
        tower = CLIPVisionConfig(**vision, image_size=32, patch_size=8)
        return LlavaForConditionalGeneration(
            LlavaConfig(
                vision_config=tower,
                text_config=LlamaConfig(**text),
                image_token_index=image,
                vision_feature_layer=-1,
                image_seq_length=16,
            )
        )
    if family == "qwen2_5_vl":
        return Qwen2_5_VLForConditionalGeneration(_qwen_config(text, processor.tokenizer))
    config, model = {
        "idefics3": (Idefics3Config, Idefics3ForConditionalGeneration),
        "smolvlm": (SmolVLMConfig, SmolVLMForConditionalGeneration),
    }[family]
    return model(
        config(
            vision_config={**vision, "image_size": 32, "patch_size": 8},
            text_config={**text, "model_type": "llama"},
            image_token_id=image,
            scale_factor=2,
            pad_token_id=text["pad_token_id"],
        )
    )


def _qwen_config(text: dict[str, Any], tokenizer: Any) -> Qwen2_5_VLConfig:
    vision = {
        "depth": 2,
        "hidden_size": 24,
        "intermediate_size": 40,
        "num_heads": 2,
        "patch_size": 8,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "window_size": 32,
        "fullatt_block_indexes": [1],
        "out_hidden_size": WIDTH,
    }
    rope = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
    named = {
        "image_token_id": "<|image_pad|>",
        "video_token_id": "<|video_pad|>",
        "vision_start_token_id": "<|vision_start|>",
        "vision_end_token_id": "<|vision_end|>",
    }
    ids = {key: tokenizer.convert_tokens_to_ids(token) for key, token in named.items()}
    return Qwen2_5_VLConfig(
        text_config={**text, "rope_parameters": rope}, vision_config=vision, tie_word_embeddings=False, **ids
    )
