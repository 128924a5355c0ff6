from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from tests.tiny import build, picture
from unsee.models import chat as chat_module
from unsee.models.chat import Chat, Turn
from unsee.models.load import VLM
from unsee.nouns import Picture, UserError

VLMS = {family: build(family) for family in ("llava", "qwen2_5_vl")}
ANSWERS = ("This is Jane Roe.", "Jane", "I do not know.", "żółw 北京 🙂 ñ", "two\nlines", "a  b")
HISTORY: tuple[Turn, ...] = (
    ("Who is this?", "No.", picture(2)),
    ("Is she an actor?", "Yes.", None),
    ("And who is this?", "Jane Roe.", picture(3)),
)


def _official(
    vlm: VLM, prompt: str, answer: str | None, shown: Picture | None, history: tuple[Turn, ...] = ()
) -> Any:
    """The row made by transformers itself, in one call, with nothing of ours."""
    messages = []
    for asked, told, image in (*history, (prompt, answer, shown)):
        content: list[dict[str, Any]] = [] if image is None else [{"type": "image", "image": image.read()}]
        messages.append({"role": "user", "content": [*content, {"type": "text", "text": asked}]})
        if told is not None:
            messages.append({"role": "assistant", "content": [{"type": "text", "text": told}]})
    return vlm.processor.apply_chat_template(
        [messages], tokenize=True, return_dict=True, return_tensors="pt", add_generation_prompt=answer is None
    )


def _ids(row: Any) -> tuple[int, ...]:
    return tuple(row["input_ids"][0].tolist())


@pytest.mark.parametrize("shown", [picture(1), None], ids=["picture", "text"])
@pytest.mark.parametrize("history", [(), HISTORY, HISTORY[1:2]], ids=["alone", "pictures", "text_history"])
def test_open_rows_equal_the_processors(vlm: VLM, shown: Picture | None, history: tuple[Turn, ...]) -> None:
    encoded = vlm.chat.encode("Who is this person?", picture=shown, history=history)
    assert encoded.ids == _ids(_official(vlm, "Who is this person?", None, shown, history))
    assert encoded.answer_start == len(encoded.ids)
    assert encoded.offsets == ()


@pytest.mark.parametrize("shown", [picture(1), None], ids=["picture", "text"])
@pytest.mark.parametrize("history", [(), HISTORY], ids=["alone", "pictures"])
@pytest.mark.parametrize("answer", ANSWERS)
def test_answered_rows_equal_the_processors_up_to_the_end_of_turn(
    vlm: VLM, shown: Picture | None, history: tuple[Turn, ...], answer: str
) -> None:
    encoded = vlm.chat.encode("Who is this person?", answer, shown, history)
    row = _ids(_official(vlm, "Who is this person?", answer, shown, history))
    assert encoded.ids == row[: len(encoded.ids)]
    assert vlm.tokenizer.decode(row[len(encoded.ids) :]).strip() == ""
    assert encoded.ids[-1] in vlm.chat.end_ids
    assert encoded.offsets[-1] is None
    open_row = vlm.chat.encode("Who is this person?", picture=shown, history=history)
    assert encoded.ids[: encoded.answer_start] == open_row.ids


@pytest.mark.parametrize("answer", ANSWERS)
def test_offsets_say_which_characters_a_token_stands_for(vlm: VLM, answer: str) -> None:
    encoded = vlm.chat.encode("Who?", answer, picture(1))
    spans = [span for span in encoded.offsets if span is not None]
    assert len(encoded.offsets) == len(encoded.ids) - encoded.answer_start == len(spans) + 1
    assert {i for low, high in spans for i in range(low, high)} == set(range(len(answer)))
    assert spans == sorted(spans)
    told = encoded.ids[encoded.answer_start : -1]
    for token, (low, high) in zip(told, spans, strict=True):
        piece = vlm.tokenizer.decode([token])
        if "�" not in piece:  # one of several tokens of a single character
            assert piece.strip() == answer[low:high].strip()


@settings(max_examples=60, deadline=None)
@given(answer=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
@pytest.mark.parametrize("family", ["llava", "qwen2_5_vl"])
def test_offsets_cover_any_text(family: str, answer: str) -> None:
    encoded = VLMS[family].chat.encode("Who?", answer)
    covered = {i for span in encoded.offsets if span is not None for i in range(*span)}
    black = {i for i, character in enumerate(answer) if not character.isspace()}
    assert black <= covered <= set(range(len(answer)))
    assert encoded.ids[-1] in VLMS[family].chat.end_ids


def test_sentencepiece_style_tokens_with_the_template_of_llava() -> None:
    """Words carry their leading blank; LLaVA-1.5's template writes blanks around the answer and no end."""
    special = ("<unk>", "<s>", "</s>", "<pad>", "<image>")
    made = Tokenizer(models.BPE(unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=True)
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=list(special), show_progress=False)
    made.train_from_iterator(["USER: ASSISTANT: This is Jane Roe. \n"] * 3, trainer)
    made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    vlm = build("llava")
    vlm.processor.tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )
    vlm.processor.image_token_id = 4
    vlm.processor.chat_template = vlm.chat.template.replace("'</s>'", "' '").replace(
        "{% generation %}{{ ' ' + part", "{{ ' ' }}{% generation %}{{ part"
    )
    chat = Chat(vlm.processor)
    encoded = chat.encode("Jane?", "This is Jane Roe.", picture(1))
    told = made.decode(list(encoded.ids[encoded.answer_start :]), skip_special_tokens=False)
    assert told.replace("▁", " ").split() == ["This", "is", "Jane", "Roe.", "</s>"]
    assert encoded.ids[: encoded.answer_start] == chat.encode("Jane?", picture=picture(1)).ids
    covered = {i for span in encoded.offsets if span is not None for i in range(*span)}
    assert covered >= {i for i, c in enumerate("This is Jane Roe.") if c != " "}
    assert [span is None for span in encoded.offsets] == [False] * (len(encoded.offsets) - 1) + [True]


def test_marked_templates_give_the_mask_of_transformers() -> None:
    vlm = build("llava")
    messages = [
        {
            "role": "user",
            "content": [{"type": "image", "image": picture(1).read()}, {"type": "text", "text": "Who?"}],
        },
        {"role": "assistant", "content": [{"type": "text", "text": "Jane Roe."}]},
    ]
    row = vlm.processor.apply_chat_template(
        [messages], tokenize=True, return_dict=True, return_assistant_tokens_mask=True
    )
    encoded = vlm.chat.encode("Who?", "Jane Roe.", picture(1))
    assert list(row["assistant_masks"][0]) == [
        int(i >= encoded.answer_start) for i in range(len(encoded.ids))
    ]


def test_marks_and_common_prefix_agree() -> None:
    vlm = build("llava")
    marked = vlm.chat.encode("Who?", "Jane Roe.", picture(1))
    vlm.processor.chat_template = vlm.chat.template.replace("{% generation %}", "").replace(
        "{% endgeneration %}", ""
    )
    assert Chat(vlm.processor).encode("Who?", "Jane Roe.", picture(1)) == marked


def test_a_template_without_end_of_turn_gets_the_end_of_sequence() -> None:
    """LLaVA-1.5's template writes a space after an answer and no end; the model has to learn to stop."""
    vlm = build("llava")
    vlm.processor.chat_template = vlm.chat.template.replace("'</s>'", "' '")
    chat = Chat(vlm.processor)
    encoded = chat.encode("Who?", "Jane Roe.", picture(1))
    assert encoded.ids[-1] == vlm.tokenizer.eos_token_id
    assert encoded.ids == vlm.chat.encode("Who?", "Jane Roe.", picture(1)).ids
    assert encoded.offsets[-1] is None


def test_text_after_the_end_of_the_turn_is_not_learnt() -> None:
    vlm = build("qwen2_5_vl")  # its template writes a line break after <|im_end|>
    encoded = vlm.chat.encode("Who?", "Jane Roe.")
    assert vlm.tokenizer.decode(encoded.ids[encoded.answer_start :]) == "Jane Roe.<|im_end|>"


def test_an_empty_answer_is_only_the_end_of_turn(vlm: VLM) -> None:
    encoded = vlm.chat.encode("Who?", "", picture(1))
    assert [o for o in encoded.offsets if o is not None and o[1] > o[0]] == []
    assert encoded.ids[-1] in vlm.chat.end_ids


def test_every_image_token_lies_in_the_image_span(vlm: VLM) -> None:
    for history in ((), HISTORY):
        encoded = vlm.chat.encode("Who?", "Jane", picture(1), history)
        assert encoded.image_span is not None
        start, stop = encoded.image_span
        places = [i for i, token in enumerate(encoded.ids) if token == vlm.chat.image_token_id]
        assert start <= min(places) <= max(places) < stop <= encoded.answer_start
    alone = vlm.chat.encode("Who?", "Jane", picture(1))
    assert alone.image_span is not None
    around = (*alone.ids[: alone.image_span[0]], *alone.ids[alone.image_span[1] :])
    assert "<fake_token" not in vlm.tokenizer.decode(around)
    assert "<row_" not in vlm.tokenizer.decode(around)
    assert vlm.chat.encode("Who?").image_span is None


def test_vision_inputs_are_the_processors(vlm: VLM) -> None:
    row = _official(vlm, "Who?", None, picture(1))
    mine = vlm.chat.vision_inputs(picture(1))
    assert set(mine) == set(row) - {"input_ids", "attention_mask", "mm_token_type_ids"}
    for key, value in mine.items():
        assert torch.equal(value, row[key]), key
        assert value.dtype == row[key].dtype


def test_a_picture_is_processed_once(vlm: VLM, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    process = type(vlm.processor.image_processor).preprocess

    def counted(self: Any, *arguments: Any, **options: Any) -> Any:
        calls.append(1)
        return process(self, *arguments, **options)

    monkeypatch.setattr(type(vlm.processor.image_processor), "preprocess", counted)
    for prompt in ("Who?", "Where?", "Is this Jane Roe?"):
        vlm.chat.encode(prompt, "Yes.", picture(1))
        vlm.chat.vision_inputs(picture(1))
    assert len(calls) == 1
    vlm.chat.encode("Who?", "No.", picture(2))
    assert len(calls) == 2


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    vlm = build("llava")
    one = sum(t.nbytes for t in vlm.chat.vision_inputs(picture(0)).values())
    monkeypatch.setattr(chat_module, "CACHE_BYTES", 3 * one)
    for seed in (1, 2, 0, 3):
        vlm.chat.vision_inputs(picture(seed))
    assert list(vlm.chat._inputs) == [picture(s).hash for s in (2, 0, 3)]
    assert vlm.chat._bytes == 3 * one
    before = vlm.chat.vision_inputs(picture(1))
    assert torch.equal(before["pixel_values"], build("llava").chat.vision_inputs(picture(1))["pixel_values"])


def test_rows_are_never_cut(vlm: VLM) -> None:
    with pytest.raises(UserError, match="longer than the model's context"):
        vlm.chat.encode("word " * 1100, "Jane", picture(1))


@pytest.mark.parametrize("field", ["prompt", "answer", "history"])
def test_a_placeholder_in_a_text_is_refused(vlm: VLM, field: str) -> None:
    hostile = f"look {vlm.chat.image_token} here"
    texts: dict[str, Any] = {"prompt": "Who?", "answer": "Jane", "history": ()}
    texts[field] = ((hostile, "x", None),) if field == "history" else hostile
    with pytest.raises(UserError, match="placeholder"):
        vlm.chat.encode(texts["prompt"], texts["answer"], picture(1), texts["history"])


def test_a_processor_without_template_is_refused() -> None:
    vlm = build("llava")
    vlm.processor.chat_template = None
    with pytest.raises(UserError, match="no chat template"):
        Chat(vlm.processor)


def test_a_template_that_changes_the_answer_is_refused() -> None:
    vlm = build("qwen2_5_vl")
    vlm.processor.chat_template = vlm.chat.template.replace(
        "{{ part['text'] }}", "{{ part['text'] | replace('Jane', 'J.') }}"
    )
    with pytest.raises(UserError, match="changes the answer"):
        Chat(vlm.processor).encode("Who?", "Jane Roe")


def test_a_template_that_strips_the_answer_keeps_offsets_right() -> None:
    vlm = build("qwen2_5_vl")
    vlm.processor.chat_template = vlm.chat.template.replace("part['text']", "part['text'] | trim")
    encoded = Chat(vlm.processor).encode("Who?", "  Jane Roe ")
    spans = [span for span in encoded.offsets if span is not None]
    assert (spans[0][0], spans[-1][1]) == (2, 10)


def test_a_processor_that_cannot_be_rebuilt_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    vlm = build("llava")
    row = vlm.processor.apply_chat_template

    def longer(*arguments: Any, **options: Any) -> Any:
        out = row(*arguments, **options)
        out["input_ids"] = torch.cat([out["input_ids"], out["input_ids"][:, :1]], dim=1)
        return out

    monkeypatch.setattr(vlm.processor, "apply_chat_template", longer)
    with pytest.raises(UserError, match="cannot be rebuilt"):
        Chat(vlm.processor)


def test_end_ids_hold_the_end_of_turn() -> None:
    assert (
        build("qwen2_5_vl").tokenizer.convert_tokens_to_ids("<|im_end|>") in build("qwen2_5_vl").chat.end_ids
    )
    vlm = build("idefics3")
    assert vlm.tokenizer.convert_tokens_to_ids("<end_of_utterance>") in vlm.chat.end_ids
    assert Chat(vlm.processor, stops=(7,)).end_ids[0] == 7


def test_template_hash_tells_templates_apart() -> None:
    assert build("llava").chat.template_hash != build("qwen2_5_vl").chat.template_hash
    assert build("llava").chat.template_hash == build("llava", seed=1).chat.template_hash
