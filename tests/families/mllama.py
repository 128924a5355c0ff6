"""Llama 3.2 Vision: the decoder looks at the picture through layers of cross-attention."""

from __future__ import annotations

from typing import Any

from transformers import (
    MllamaConfig,
    MllamaForConditionalGeneration,
    MllamaImageProcessorPil,
    MllamaProcessor,
)

from tests.families.common import VISION, ids, text_sizes, tokenizer

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "<|start_header_id|>{{ message['role'] }}<|end_header_id|>\n\n"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}<|image|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
SPECIAL = (
    "<|begin_of_text|>",
    "<|eot_id|>",
    "<|pad|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|python_tag|>",
    "<|image|>",
)


def processor() -> Any:
    return MllamaProcessor(
        MllamaImageProcessorPil(size={"height": 32, "width": 32}, max_image_tiles=2),
        tokenizer(SPECIAL, bos="<|begin_of_text|>", eos="<|eot_id|>", pad="<|pad|>", adds_bos=True),
        chat_template=TEMPLATE,
    )


def model(processor: Any) -> Any:
    heads = VISION["num_attention_heads"]
    tower = {key: value for key, value in VISION.items() if key != "num_attention_heads"}
    text = text_sizes(processor) | {
        "num_hidden_layers": 3,
        "cross_attention_layers": [1],
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
    }
    return MllamaForConditionalGeneration(
        MllamaConfig(
            vision_config={
                **tower,
                "attention_heads": heads,
                "num_global_layers": 1,
                "vision_output_dim": 2 * VISION["hidden_size"],
                "image_size": 32,
                "patch_size": 8,
                "max_num_tiles": 2,
                "intermediate_layers_indices": [0],
                "supported_aspect_ratios": [[1, 1], [1, 2], [2, 1]],
            },
            text_config=text,
            **ids(processor, image_token_index="<|image|>"),
        )
    )
