"""Texts that are put to a model as they stand, without its chat template, with any number of pictures.

Published benchmarks often fix the whole prompt, turns and examples included. What comes out here is what the
model's own ``processor(text=..., images=...)`` makes of it; pictures are processed once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image
from transformers.utils.chat_template_utils import render_jinja_template

from unsee.models.chat import Chat, _messages, _token_span
from unsee.models.pictures import from_image
from unsee.nouns import Picture, UserError

PLACEHOLDER = "<image>"


class Raw(NamedTuple):
    """A raw text as token ids.

    Attributes:
        ids: Everything, image placeholders expanded.
        spans: Of each picture, the positions [start, stop) of its tokens.
    """

    ids: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]


def encode_raw(chat: Chat, text: str, pictures: Sequence[Picture] = (), *, check: bool = True) -> Raw:
    """Token ids of a raw text.

    Args:
        chat: The model's chat.
        text: With ``<image>`` where each picture stands, whatever the model's own image token is.
        pictures: One per placeholder, in order.
        check: Whether a row longer than the context is refused.

    Raises:
        UserError: Another number of pictures than placeholders, or a row longer than the model's context.
    """
    parts = chat.raw_text(text).split(PLACEHOLDER)
    found: object = len(parts) - 1
    if found != len(pictures) or any(chat.image_token in part for part in parts):
        raise UserError(
            "pictures and placeholders of a raw text do not match",
            got=f"{found} placeholder(s), {len(pictures)} picture(s): ...{text[-100:]}",
            expected=f"one {PLACEHOLDER} per picture and no other image token",
            remedy=f"remove {PLACEHOLDER} and {chat.image_token} from the questions themselves",
        )
    mark = image_mark(chat) if pictures else ""
    whole = chat._expand(mark.join(parts), pictures, None)
    ids, places = chat._tokenize(whole.text)
    if check:
        chat.check_length(len(ids))
    spans = [_token_span(places, (image,)) for image in whole.images]
    return Raw(ids, tuple(span for span in spans if span is not None))


def image_mark(chat: Chat) -> str:
    """The model's image token, between the special tokens that its template sets directly around it."""
    messages = _messages((), "a", None, from_image(Image.new("RGB", (1, 1))))
    texts, _ = render_jinja_template(
        conversations=[messages], chat_template=chat.template, **chat.tokenizer.special_tokens_map
    )
    before, after = texts[0].split(chat.image_token)
    added = {str(token) for token in chat.tokenizer.added_tokens_decoder.values()}
    frame = added - {chat.tokenizer.bos_token, chat.tokenizer.eos_token}
    left = next((token for token in frame if before.endswith(token)), "")
    right = next((token for token in frame if after.startswith(token)), "")
    return f"{left}{chat.image_token}{right}"
