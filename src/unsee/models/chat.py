"""Texts and pictures to token ids, exactly as the model's processor does it, with the picture processed once.

The processor expands each image placeholder into as many tokens as the picture needs and processes its
pixels, again for every text. Here both are done once per picture; every further text about it is only text
work. That the ids are those of ``processor.apply_chat_template(tokenize=True)`` is checked when a ``Chat``
is made.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from PIL import Image
from torch import Tensor
from transformers import BatchFeature
from transformers.utils.chat_template_utils import render_jinja_template

from unsee.models.expansion import WORD, Expanded, expand_picture, template_of, unsupported
from unsee.models.pictures import from_image
from unsee.nouns import Picture, UserError, hash_text

Turn = tuple[str, str, Picture | None]
Places = Sequence[tuple[int, int]]
Tokens = tuple[tuple[int, ...], Places]
CACHE_BYTES = 256 * 2**20
GENERATION_MARK = re.compile(r"\{%-?\s*generation\s*-?%\}")


class Encoded(NamedTuple):
    """One conversation as token ids.

    Attributes:
        ids: The whole conversation, image placeholders expanded. With an answer it ends with the end-of-turn
            token; without, with the generation prompt.
        answer_start: ``ids[answer_start:]`` are the tokens the model has to produce; len(ids) without answer.
        offsets: Of each token from ``answer_start`` on, the characters [start, end) of the answer it stands
            for (empty at a token that only leads to the answer); None at end-of-turn tokens.
        image_span: [start, stop) that holds every token of every picture; None without a picture.
    """

    ids: tuple[int, ...]
    answer_start: int
    offsets: tuple[tuple[int, int] | None, ...]
    image_span: tuple[int, int] | None


class _Rendered(NamedTuple):
    """A conversation as text: image text put in, characters of the images, start of the marked answer."""

    text: str
    images: tuple[tuple[int, int], ...]
    marked: int | None


class Chat:
    """The chat template, tokenizer and image processor of one model.

    Args:
        processor: The model's processor; needs a fast tokenizer and a chat template (PaliGemma, which has
            none, is put its questions as its processor does).
        stops: Ids at which the model's generation settings stop.
        context: Longest row the model takes, in tokens; None when it has no limit.
        placeholder: Id of the tokens that are replaced by a picture's features; None = that of the
            processor's image token.

    Raises:
        UserError: The processor has no template, no fast tokenizer, or rows cannot be rebuilt exactly.
    """

    def __init__(
        self,
        processor: Any,
        *,
        stops: Sequence[int] = (),
        context: int | None = None,
        placeholder: int | None = None,
    ) -> None:
        self.processor = processor
        self.tokenizer: Any = processor.tokenizer
        self.context = context
        self.template: str = template_of(processor)
        self.template_hash = hash_text(self.template)
        if not getattr(processor, "image_token", None):
            raise unsupported(processor, "it has no image token")
        self.image_token: str = processor.image_token
        if placeholder is None:
            placeholder = self.tokenizer.convert_tokens_to_ids(self.image_token)
        self.image_token_id: int = placeholder
        self._gap = ""
        self._marked = GENERATION_MARK.search(self.template) is not None
        self._texts: dict[str, str] = {}
        self._inputs: OrderedDict[str, dict[str, Tensor]] = OrderedDict()
        self._bytes = 0
        self._asked: tuple[str, Tokens] | None = None
        self._ends: tuple[int, ...] = tuple(stops)
        turn_end = self._find_turn_end()
        eos = self.tokenizer.eos_token_id
        ends = (*stops, *(() if turn_end is None else (turn_end,)), *(() if eos is None else (eos,)))
        if not ends:
            raise UserError(
                "the model has no end-of-turn token",
                got=type(processor).__name__,
                expected="eos_token_id in its generation settings or tokenizer, or one in its chat template",
                remedy="set tokenizer.eos_token",
            )
        self._ends = tuple(dict.fromkeys(ends))
        self._turn_end = ends[0] if turn_end is None else turn_end
        if turn_end is None and eos is not None:
            self._turn_end = eos
        self._check_against_processor()

    @property
    def end_ids(self) -> tuple[int, ...]:
        """Ids at which generation stops: of the generation settings, the tokenizer and the template."""
        return self._ends

    def vision_inputs(self, picture: Picture) -> dict[str, Tensor]:
        """The model's inputs for one picture (batch of one), e.g. ``pixel_values``, ``image_grid_thw``.

        Kept by ``picture.hash`` up to 256 MB, least recently used first out. Do not write into the tensors.
        """
        key = picture.hash
        if key not in self._inputs:
            self._keep(key, self._process(picture).inputs)
        self._inputs.move_to_end(key)
        return dict(self._inputs[key])

    def encode(
        self,
        prompt: str,
        answer: str | None = None,
        picture: Picture | None = None,
        history: Sequence[Turn] = (),
    ) -> Encoded:
        """Token ids of one question, with its answer or up to where the answer would begin.

        Where the template writes no end-of-turn token after an answer (LLaVA-1.5), the end-of-sequence
        token is added, since the model has to learn to stop; text the template writes after the end of the
        turn, which nobody ever generates, is left out.

        Args:
            prompt: The user turn, without image placeholder.
            answer: The assistant turn.
            picture: Shown before the prompt.
            history: Earlier turns (prompt, answer, picture).

        Raises:
            UserError: A text holds the image placeholder, the template changes the answer, or the row is
                longer than the model's context. Rows are never cut.
        """
        self._check_texts(prompt, answer, history)
        pictures = [turn[2] for turn in (*history, (prompt, "", picture)) if turn[2] is not None]
        asked = self._render(_messages(history, prompt, None, picture), pictures, open_turn=True)
        if self._asked is None or self._asked[0] != asked.text:  # often the same, with another answer
            self._asked = asked.text, self._tokenize(asked.text)
        ids, places = self._asked[1]
        if answer is None:
            span = _token_span(places, asked.images)
            return self._checked(Encoded(ids, len(ids), (), span))
        told = self._render(_messages(history, prompt, answer, picture), pictures, open_turn=False)
        full, places = self._tokenize(told.text)
        start = _common_prefix(ids, full)
        if told.marked is not None:
            start = min(start, next((i for i, (_, end) in enumerate(places) if end > told.marked), start))
        first = _find_answer(told.text, asked.text, answer)
        full, offsets = self._answer_tokens(full, places, start, first, answer)
        return self._checked(Encoded(full, start, offsets, _token_span(places, told.images)))

    def raw_text(self, text: str) -> str:
        """A text that is put without the chat template (``models.raw``), as the model is to read it."""
        return text

    def _answer_tokens(
        self, ids: tuple[int, ...], places: Places, start: int, first: int, answer: str
    ) -> tuple[tuple[int, ...], tuple[tuple[int, int] | None, ...]]:
        """Ids up to the end of the turn, and the answer's characters of each token from ``start`` on."""
        last = first + len(answer.rstrip())
        stop = len(ids)
        # Tokens without characters were added behind the text by the tokenizer.
        while stop > start and (places[stop - 1][0] >= last or places[stop - 1] == (0, 0)):
            stop -= 1
        ends = [i for i in range(stop, len(ids)) if ids[i] in self._ends or ids[i] == self._turn_end]
        kept = ids[: ends[0] + 1] if ends else (*ids[:stop], self._turn_end)
        spans: list[tuple[int, int] | None] = []
        for begin, end in places[start:stop]:
            low, high = max(0, begin - first), min(len(answer), end - first)
            spans.append((low, max(low, high)))
        return kept, (*spans, *([None] * (len(kept) - stop)))

    def _check_texts(self, prompt: str, answer: str | None, history: Sequence[Turn]) -> None:
        marks = {self.image_token, self.tokenizer.convert_ids_to_tokens(self.image_token_id)}
        for text in (prompt, answer or "", *(t for turn in history for t in turn[:2])):
            for mark in marks:
                if mark in text:
                    raise UserError(
                        "a text holds the model's image placeholder",
                        got=text,
                        expected=f"text without {mark!r}; the picture is given apart",
                        remedy=f"remove {mark!r} from the text",
                    )

    def _checked(self, encoded: Encoded) -> Encoded:
        self.check_length(len(encoded.ids))
        return encoded

    def check_length(self, tokens: int) -> None:
        """Refuses a row that is longer than the model's context."""
        if self.context is not None and tokens > self.context:
            raise UserError(
                "the conversation is longer than the model's context",
                got=f"{tokens} tokens",
                expected=f"at most {self.context} tokens",
                remedy="shorten the text or give fewer turns of history; rows are never cut",
            )

    def _render(
        self, messages: list[dict[str, Any]], pictures: Sequence[Picture], *, open_turn: bool
    ) -> _Rendered:
        texts, marks = render_jinja_template(
            conversations=[messages],
            chat_template=self.template,
            return_assistant_tokens_mask=self._marked,
            add_generation_prompt=open_turn,
            **self.tokenizer.special_tokens_map,
        )
        return self._expand(texts[0], pictures, marks[0][-1][0] if marks and marks[0] else None)

    def _expand(self, text: str, pictures: Sequence[Picture], marked: int | None) -> _Rendered:
        parts = text.split(self.image_token)
        assert len(parts) == len(pictures) + 1, (len(parts), len(pictures))
        whole, spans = parts[0], []
        for part, picture in zip(parts[1:], pictures, strict=True):
            image = self._image_text(picture)
            spans.append((len(whole), len(whole) + len(image)))
            whole += image + (self._gap if WORD.match(part) else "") + part
        shift = len(whole) - len(text)
        return _Rendered(whole, tuple(spans), None if marked is None else marked + shift)

    def _image_text(self, picture: Picture) -> str:
        if picture.hash not in self._texts:
            seen = self._process(picture)
            self._texts[picture.hash] = seen.text
            self._keep(picture.hash, seen.inputs)
        return self._texts[picture.hash]

    def _process(self, picture: Picture) -> Expanded:
        seen = expand_picture(self.processor, picture)
        self._gap = seen.gap
        return seen

    def _keep(self, key: str, inputs: dict[str, Tensor]) -> None:
        if key in self._inputs:
            return
        self._inputs[key] = inputs
        self._bytes += _size(inputs)
        while self._bytes > CACHE_BYTES and len(self._inputs) > 1:
            self._bytes -= _size(self._inputs.popitem(last=False)[1])

    def _tokenize(self, text: str) -> Tokens:
        # As apply_chat_template does: special tokens are added unless the template wrote the first one.
        bos = self.tokenizer.bos_token
        out = self.tokenizer(
            text,
            add_special_tokens=not (bos is not None and text.startswith(bos)),
            return_offsets_mapping=True,
            verbose=False,
        )
        return tuple(out["input_ids"]), out["offset_mapping"]

    def _find_turn_end(self) -> int | None:
        """The special token the template writes after an answer, if it writes one."""
        told = self._render(_messages((), "a", "b", None), (), open_turn=False)
        asked = self._render(_messages((), "a", None, None), (), open_turn=True)
        ids, places = self._tokenize(told.text)
        end = _find_answer(told.text, asked.text, "b") + 1
        special = {*self.tokenizer.all_special_ids, *self.tokenizer.added_tokens_decoder}
        return next(
            (i for i, (begin, _) in zip(ids, places, strict=True) if begin >= end and i in special), None
        )

    def official_row(self, prompt: str, picture: Picture) -> dict[str, Tensor]:
        """Everything the model's own processor returns for one open question (batch of one)."""
        if getattr(self.processor, "chat_template", None) is None:
            text = [self.image_token + prompt]
            out = self.processor(images=[picture.read()], text=text)
            return dict(BatchFeature(dict(out), tensor_type="pt"))
        messages = _messages((), prompt, None, picture)
        messages[0]["content"][0]["image"] = picture.read()
        row = self.processor.apply_chat_template(
            [messages],
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            add_generation_prompt=True,
        )
        return dict(row)

    def _check_against_processor(self) -> None:
        picture = from_image(Image.new("RGB", (40, 30), (200, 120, 40)))
        row = self.official_row("What is it?", picture)
        mine = self.encode("What is it?", picture=picture)
        self._texts.clear()
        self._inputs.clear()
        self._bytes = 0
        theirs = tuple(row["input_ids"][0].tolist())
        if theirs != mine.ids:
            raise unsupported(self.processor, f"{len(mine.ids)} tokens instead of {len(theirs)}")


def _messages(
    history: Sequence[Turn], prompt: str, answer: str | None, picture: Picture | None
) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    for asked, told, shown in (*history, (prompt, answer, picture)):
        content = [{"type": "text", "text": asked}]
        messages.append({"role": "user", "content": [{"type": "image"}, *content] if shown else content})
        if told is not None:
            messages.append({"role": "assistant", "content": [{"type": "text", "text": told}]})
    return messages


def _find_answer(told: str, asked: str, answer: str) -> int:
    """Where the answer begins in the conversation's text; templates may strip white space around it."""
    start = _common_prefix(asked, told)
    found = told.find(answer, start)
    if found < 0:
        stripped = told.find(answer.strip(), start)
        found = stripped - (len(answer) - len(answer.lstrip())) if stripped >= 0 else -1
    if found < 0:
        raise UserError(
            "the chat template changes the answer",
            got=answer,
            expected="the answer's text in the rendered conversation",
            remedy="use another wording, or a chat template that keeps the assistant's text",
        )
    return found


def _common_prefix(one: Sequence[Any], other: Sequence[Any]) -> int:
    """How many items two sequences share at their beginning; slices are compared, since rows are long."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _token_span(
    places: Sequence[tuple[int, int]], images: Sequence[tuple[int, int]]
) -> tuple[int, int] | None:
    if not images:
        return None
    low, high = images[0][0], images[-1][1]
    inside = [i for i, (begin, end) in enumerate(places) if end > low and begin < high and end > begin]
    return inside[0], inside[-1] + 1


def _size(inputs: Mapping[str, Tensor]) -> int:
    return sum(tensor.nbytes for tensor in inputs.values())


def chat_of(processor: Any, config: Any, generation: Any) -> Chat:
    """The chat of a model.

    Args:
        processor: Its processor.
        config: Its configuration; the part about text says how long a row may be.
        generation: Its generation settings, or None.
    """
    stops = generation.eos_token_id if generation is not None else None
    stops = () if stops is None else tuple(stops) if isinstance(stops, list | tuple) else (stops,)
    context = getattr(config.get_text_config(), "max_position_embeddings", None)
    placeholder = getattr(config, "image_token_id", None)
    return Chat(processor, stops=stops, context=context, placeholder=placeholder)
