"""Rows: one prompt with one answer as token ids, and which answer tokens a loss may use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from unsee.models.chat import Encoded
from unsee.models.load import VLM
from unsee.models.raw import encode_raw
from unsee.nouns import Example, Picture, UserError

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Row:
    """One prompt with one answer, tokenised.

    Attributes:
        example: Id of the example or question it was made from.
        role: T1, T2, original, retain ...; loss terms choose rows by it.
        ids: The whole conversation, image placeholders expanded.
        answer_start: ``ids[answer_start:]`` are the answer tokens, end of turn included. Equal to
            ``len(ids)`` for a row that only asks.
        keep: Token mask K_S, one flag per answer token; end-of-turn tokens are always kept.
        picture: None for text-only rows; the last one of a row with several.
        image_span: [start, stop) within ``ids`` that holds every image token.
        banned: Vocabulary ids that the vocabulary mask K_V removes on this row.
        text: One flag per answer token, False for end-of-turn tokens.
        several: Every picture with the span of its tokens where the row has more than one, else empty.
    """

    example: str
    role: str
    ids: tuple[int, ...]
    answer_start: int
    keep: tuple[bool, ...]
    picture: Picture | None = None
    image_span: Span | None = None
    banned: frozenset[int] = frozenset()
    text: tuple[bool, ...] = ()
    several: tuple[tuple[Picture, Span], ...] = ()

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """All its pictures, in order."""
        if self.several:
            return tuple(picture for picture, _ in self.several)
        return () if self.picture is None else (self.picture,)

    @property
    def labels(self) -> tuple[int, ...]:
        """The answer tokens."""
        return self.ids[self.answer_start :]


def make_rows(
    vlm: VLM,
    examples: Sequence[Example],
    *,
    banned: Callable[[tuple[str, ...]], frozenset[int]] | None = None,
) -> list[Row]:
    """Tokenise training examples, one row each, in the same order.

    Args:
        vlm: The model whose chat template is used.
        examples: What to train on.
        banned: Gives the vocabulary ids to mask for an example's ``names``; None = no vocabulary mask.

    Raises:
        UserError: An empty answer, a masked span that meets no token, or an image placeholder in the text.
    """
    rows = []
    for example in examples:
        encoded = vlm.chat.encode(example.prompt, example.answer, example.picture)
        row = _row(vlm, encoded, example.id, example.role, example.picture)
        names = banned(example.names) if banned is not None and example.names else frozenset()
        rows.append(replace(row, keep=_kept(encoded, example), banned=names))
    return rows


def scored_row(
    vlm: VLM, prompt: str, answer: str, picture: Picture | None = None, *, example: str = ""
) -> Row:
    """A row whose answer is to be scored: every answer token is kept."""
    encoded = vlm.chat.encode(prompt, answer, picture)
    return _row(vlm, encoded, example, "score", picture)


def question_row(vlm: VLM, prompt: str, picture: Picture | None = None, *, example: str = "") -> Row:
    """A row without an answer; it ends with the generation prompt."""
    return _row(vlm, vlm.chat.encode(prompt, None, picture), example, "question", picture)


def raw_row(vlm: VLM, text: str, pictures: Sequence[Picture] = (), *, example: str = "") -> Row:
    """A row without an answer from a text as it stands (``models.raw``), with any number of pictures."""
    ids, spans = encode_raw(vlm.chat, text, pictures)
    shown = tuple(zip(pictures, spans, strict=True))
    return Row(
        example,
        "question",
        ids,
        len(ids),
        (),
        picture=pictures[-1] if pictures else None,
        image_span=(spans[0][0], spans[-1][1]) if spans else None,
        several=shown if len(shown) > 1 else (),
    )


def _row(vlm: VLM, encoded: Encoded, example: str, role: str, picture: Picture | None) -> Row:
    _check_placeholders(vlm, encoded, example)
    answer = len(encoded.ids) - encoded.answer_start
    assert len(encoded.offsets) == answer, (len(encoded.offsets), answer)
    text = tuple(offset is not None for offset in encoded.offsets)
    if role != "question" and not any(text):
        raise UserError(
            "the answer has no token",
            got=f"{role} {example}",
            expected="an answer of at least one token",
            remedy="give the row an answer",
        )
    span = encoded.image_span
    return Row(
        example, role, tuple(encoded.ids), encoded.answer_start, (True,) * answer, picture, span, text=text
    )


def _check_placeholders(vlm: VLM, encoded: Encoded, example: str) -> None:
    """No placeholder outside the image: it would take a picture's features or enter a loss."""
    token = vlm.chat.image_token_id
    start, stop = encoded.image_span or (0, 0)
    stray = encoded.ids.count(token) - encoded.ids[start:stop].count(token)
    if stray:
        raise UserError(
            "the text holds the model's image placeholder",
            got=f"{stray} placeholder(s) in {example or 'a row'}",
            expected="plain text",
            remedy=f"remove {vlm.tokenizer.convert_ids_to_tokens(token)!r} from the prompt and the answer",
        )
    assert stop <= encoded.answer_start, (encoded.image_span, encoded.answer_start)


def _kept(encoded: Encoded, example: Example) -> tuple[bool, ...]:
    """Token mask K_S (arXiv 2405.12523, section 4.2): False where a token overlaps a masked span."""
    for span in example.masked:
        if not _touches(encoded, span) or span[1] > len(example.answer):
            raise UserError(
                "a masked span meets no token of the answer",
                got=f"{span} in {example.answer!r}",
                expected=f"0 <= start < end <= {len(example.answer)}",
                remedy=f"correct `masked` of example {example.id!r}",
            )
    return tuple(
        offset is None or not any(_overlap(offset, span) for span in example.masked)
        for offset in encoded.offsets
    )


def _touches(encoded: Encoded, span: Span) -> bool:
    return span[0] >= 0 and any(offset and _overlap(offset, span) for offset in encoded.offsets)


def _overlap(left: Span, right: Span) -> bool:
    return max(left[0], right[0]) < min(left[1], right[1])
