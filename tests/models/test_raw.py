"""Raw texts: token for token what the processor itself makes of a text and its pictures."""

from __future__ import annotations

import pytest

from tests.tiny import FAMILIES, build, picture
from unsee.models.load import VLM
from unsee.models.prompting import Instruction
from unsee.models.raw import encode_raw, image_mark
from unsee.nouns import Picture, UserError

MARKS = {
    "llava": "<image>",
    "qwen2_5_vl": "<|vision_start|><|image_pad|><|vision_end|>",
    "idefics3": "<image>",
    "smolvlm": "<image>",
}
FEW_SHOT = (
    "USER:<image>\nWho is [Blank]?\nCorrect Answer: Jane\nUSER:<image>\nWho?\nCorrect Answer: Roe\n"
    "USER: <image>\nWho is this person?\nASSISTANT: "
)


def theirs(vlm: VLM, text: str, pictures: list[Picture]) -> tuple[int, ...]:
    own = text.replace("<image>", MARKS[vlm.name.removeprefix("tiny-")])
    images = {"images": [[one.read() for one in pictures]]} if pictures else {}
    return tuple(vlm.processor(text=[own], return_tensors="pt", **images)["input_ids"][0].tolist())


@pytest.mark.parametrize("family", FAMILIES)
def test_the_image_token_stands_in_the_frame_of_the_template(family: str) -> None:
    assert image_mark(build(family).chat) == MARKS[family]


@pytest.mark.parametrize("family", FAMILIES)
def test_ids_equal_the_processors(family: str) -> None:
    vlm = build(family)
    shown = [picture(1), picture(2), picture(1)]
    for text, pictures in (
        (FEW_SHOT, shown),
        ("USER: <image>\nWho is this?\nASSISTANT: ", shown[:1]),
        ("USER:\nWho is Jane Roe?\nASSISTANT:", []),
    ):
        made = encode_raw(vlm.chat, text, pictures)
        assert made.ids == theirs(vlm, text, pictures)
        assert len(made.spans) == len(pictures)
    ids, spans = encode_raw(vlm.chat, FEW_SHOT, shown)
    inside = [i for start, stop in spans for i in range(start, stop)]
    assert {i for i, token in enumerate(ids) if token == vlm.chat.image_token_id} <= set(inside)
    assert spans == tuple(sorted(spans))


def test_a_trailing_space_is_kept() -> None:
    chat = build("llava").chat
    assert encode_raw(chat, "ASSISTANT: ").ids != encode_raw(chat, "ASSISTANT:").ids


@pytest.mark.parametrize("text", ["USER: who?", "<image> <image> who?", "<image> <|image_pad|>"])
def test_placeholders_and_pictures_must_match(text: str) -> None:
    with pytest.raises(UserError, match="do not match"):
        encode_raw(build("qwen2_5_vl").chat, text, [picture(1)])


def test_a_text_longer_than_the_context_is_refused() -> None:
    chat = build("llava").chat
    chat.context = 40
    with pytest.raises(UserError, match=r"(?s)longer.*got: +[0-9]+ tokens.*at most 40"):
        encode_raw(chat, FEW_SHOT, [picture(1), picture(2), picture(3)])


def test_an_instruction_stands_before_a_raw_text_too() -> None:
    vlm = build("llava")
    told = Instruction("Say nothing.").install(vlm)
    text = vlm.tokenizer.decode(encode_raw(told.chat, "USER: who?").ids, skip_special_tokens=True)
    assert text.index("Say nothing.") < text.index("USER: who?")
