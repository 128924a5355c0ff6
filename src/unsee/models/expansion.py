"""What a model's processor makes of one picture: the text that stands for it, and the model's inputs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor
from transformers import BatchFeature

from unsee.nouns import Picture, UserError

# What a processor returns about the text; everything else is about the picture.
TEXT_KEYS = frozenset(
    {
        "input_ids",
        "attention_mask",
        "token_type_ids",
        "mm_token_type_ids",
        "labels",
        "text_replacement_offsets",
        "offset_mapping",
    }
)
# Llama 3.2 Vision: which text tokens see which tiles. About one picture it says which tiles there are.
CROSS_MASK = "cross_attention_mask"
WORD = re.compile(r"[^\s<]")
# Families whose processor takes no conversation; what it makes of a question, and where the answer goes.
OWN_TEMPLATES = {
    "PaliGemmaProcessor": "{% for message in messages %}{% set first = loop.first %}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}<image>"
    "{% elif message['role'] == 'user' %}{{ bos_token if first }}{{ part['text'] }}\n{% else %}"
    "{% generation %}{{ part['text'] }}{{ eos_token }}{% endgeneration %}"
    "{% endif %}{% endfor %}{% endfor %}",
}


class Expanded(NamedTuple):
    """A picture after the processor.

    Attributes:
        text: What replaces the image token in a text.
        inputs: The model's inputs (batch of one).
        gap: What the processor puts between the picture and a word that follows at once.
    """

    text: str
    inputs: dict[str, Tensor]
    gap: str = ""


def expand_picture(processor: Any, picture: Picture) -> Expanded:
    """Run the processor on one picture.

    Raises:
        UserError: The processor does not tell which text stands for a picture.
    """
    out = processor(
        images=[[picture.read()]], text=[processor.image_token], return_text_replacement_offsets=True
    )
    vision = {key: value for key, value in out.items() if key not in TEXT_KEYS}
    inputs = dict(BatchFeature(vision, tensor_type="pt"))
    if CROSS_MASK in inputs:
        inputs[CROSS_MASK] = inputs[CROSS_MASK][:, -1:]
    replacements = out.get("text_replacement_offsets", [[]])[0]
    if len(replacements) == 1:
        return Expanded(replacements[0]["replacement"], inputs)
    return Expanded(_text_of(processor, out["input_ids"][0]), inputs, _gap(processor, picture))


def template_of(processor: Any) -> str:
    """The chat template.

    Raises:
        UserError: There is none, or the tokenizer is not a fast one.
    """
    template = getattr(processor, "chat_template", None)
    if isinstance(template, Mapping):
        template = template.get("default")
    template = template or OWN_TEMPLATES.get(type(processor).__name__)
    if not template or not getattr(processor.tokenizer, "is_fast", False):
        raise UserError(
            "the model has no chat template" if not template else "the model's tokenizer is not a fast one",
            got=type(processor).__name__,
            expected="a processor with a chat template and a fast tokenizer (tokenizer.json)",
            remedy="use the chat version of the model, or set processor.chat_template and save the processor",
        )
    return str(template)


def unsupported(processor: Any, why: str) -> UserError:
    """The error of a processor whose rows cannot be rebuilt."""
    return UserError(
        "the rows of this model's processor cannot be rebuilt exactly",
        got=f"{type(processor).__name__}: {why}",
        expected="the tokens of processor.apply_chat_template, with image placeholders expanded",
        remedy="use a model of a supported family, see: unsee list models",
    )


def _text_of(processor: Any, ids: Sequence[int]) -> str:
    """The text of the tokens that stand for a picture, all of them special ones."""
    words = processor.tokenizer
    named = [int(i) for i in ids if int(i) != words.bos_token_id]
    if not named or any(i not in words.added_tokens_decoder for i in named):
        raise unsupported(processor, "it does not tell which text stands for a picture")
    return "".join(words.convert_ids_to_tokens(named))


def _gap(processor: Any, picture: Picture) -> str:
    """A space where the processor sets one between a picture and a word (Idefics2)."""
    out = processor(images=[[picture.read()]], text=[f"{processor.image_token}a"])
    told = processor.tokenizer.decode([int(i) for i in out["input_ids"][0]], skip_special_tokens=False)
    return " " if told.endswith(" a") else ""
