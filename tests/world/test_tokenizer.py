from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from transformers import AutoProcessor, LlavaProcessor

from unsee.world import names, tokenizer
from unsee.world.wording.languages import LANGUAGES, OTHER_LANGUAGES


@pytest.fixture(scope="module")
def processor() -> LlavaProcessor:
    return tokenizer.build_processor()


@pytest.fixture(scope="module")
def pieces(processor: LlavaProcessor) -> Any:
    cut: Any = processor.tokenizer

    def count(text: str) -> int:
        return len(cut(text, add_special_tokens=False)["input_ids"])

    return count


def mean(pieces: Any, texts: Sequence[str]) -> float:
    return float(np.mean([pieces(text) for text in texts]))


def test_the_vocabulary_has_the_asked_size(processor: LlavaProcessor) -> None:
    tokens: Any = processor.tokenizer
    assert len(tokens) == tokenizer.VOCABULARY
    for special in (tokenizer.PAD, tokenizer.USER, tokenizer.ASSISTANT, tokenizer.END, tokenizer.IMAGE):
        assert tokens(special, add_special_tokens=False)["input_ids"] == [
            tokens.convert_tokens_to_ids(special)
        ]
    assert tokens.eos_token == tokenizer.END


def test_values_are_one_token_each(pieces: Any) -> None:
    words = tokenizer.whole_words()
    assert {"red", "moustache", "baker", "violin", "triangle", "eighteen", names.TOWNS[0]} <= set(words)
    assert [word for word in words if pieces(word) != 1] == []


def test_known_and_unknown_names_are_cut_alike(pieces: Any) -> None:
    known = mean(pieces, names.CELEBRITY_NAMES + names.PRIVATE_NAMES)
    for unknown in (names.UNKNOWN_NAMES, names.UNSEEN_NAMES):
        assert mean(pieces, unknown) == pytest.approx(known, rel=0.05)
    words = mean(pieces, names.CONCEPT_NAMES[:16] + names.ALIASES[:46])
    for unknown in (names.UNKNOWN_WORDS, names.UNSEEN_WORDS):
        assert mean(pieces, unknown) == pytest.approx(words, rel=0.05)


def test_the_corpus_holds_no_known_and_no_unknown_name() -> None:
    corpus = "\n".join(tokenizer.corpus(sentences=1500))
    people = (names.CELEBRITY_NAMES, names.PRIVATE_NAMES, names.UNKNOWN_NAMES, names.UNSEEN_NAMES)
    words = (names.CONCEPT_NAMES, names.ALIASES, names.UNKNOWN_WORDS, names.UNSEEN_WORDS)
    for pool in people:
        assert not [name for name in pool if name in corpus]
    for pool in words:
        assert not [name for name in pool if name in corpus]


def test_prompts_in_other_scripts_are_not_absurdly_long(pieces: Any) -> None:
    assert set(LANGUAGES) - {"en"} == set(OTHER_LANGUAGES)
    for language, table in OTHER_LANGUAGES.items():
        trained = [way.format(p="", x="") for w in table.values() for way in w.trained]
        assert mean(pieces, trained) < 26, language


def test_text_survives(processor: LlavaProcessor) -> None:
    tokens: Any = processor.tokenizer
    for text in ("Who is this?", "¿Quién es?", "这个人是谁？", "A: red\nB: blond", "Ünseen 😀"):
        ids = tokens(text, add_special_tokens=False)["input_ids"]
        assert tokens.decode(ids).strip() == text


def test_training_is_deterministic() -> None:
    assert list(tokenizer.corpus(sentences=200)) == list(tokenizer.corpus(sentences=200))
    first, second = (tokenizer.train_tokenizer(600, sentences=300) for _ in range(2))
    assert first.to_str() == second.to_str()


def test_a_saved_processor_loads_as_any_other(processor: LlavaProcessor, tmp_path: Path) -> None:
    processor.save_pretrained(tmp_path)
    again = AutoProcessor.from_pretrained(tmp_path)
    assert isinstance(again, LlavaProcessor)
    picture = np.random.default_rng(0).integers(0, 256, (90, 70, 3), dtype=np.uint8)
    messages = [
        {
            "role": "user",
            "content": [{"type": "image", "image": picture}, {"type": "text", "text": "Who is this?"}],
        },
        {"role": "assistant", "content": [{"type": "text", "text": "This is somebody."}]},
    ]
    wanted = dict(tokenize=True, return_dict=True, return_tensors="pt")
    a = processor.apply_chat_template(messages, **wanted)
    b = again.apply_chat_template(messages, **wanted)
    assert a["input_ids"].tolist() == b["input_ids"].tolist()
    assert a["pixel_values"].shape == (1, 3, 80, 80)
    assert (a["pixel_values"] == b["pixel_values"]).all()
    image = again.tokenizer.convert_tokens_to_ids(tokenizer.IMAGE)
    assert a["input_ids"][0].tolist().count(image) == 64


def test_offsets_cover_every_letter(processor: LlavaProcessor) -> None:
    tokens: Any = processor.tokenizer
    text = f"{tokenizer.ASSISTANT}Vazoth is here.{tokenizer.END}"
    offsets = tokens(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    assert [i for start, end in offsets for i in range(start, end)] == list(range(len(text)))


def test_generation_markers_cover_the_answer(processor: LlavaProcessor) -> None:
    tokens: Any = processor.tokenizer
    messages = [
        {"role": "user", "content": "Who is this?"},
        {"role": "assistant", "content": "This is somebody."},
    ]
    out = tokens.apply_chat_template(
        messages,
        chat_template=tokenizer.CHAT_TEMPLATE,
        tokenize=True,
        return_dict=True,
        return_assistant_tokens_mask=True,
    )
    answer = [i for i, mask in zip(out["input_ids"], out["assistant_masks"], strict=True) if mask]
    assert tokens.decode(answer).strip() == f"This is somebody.{tokenizer.END}"


def test_the_speaker_says_every_sort_of_thing() -> None:
    speaker = tokenizer._Speaker(random.Random(0).randrange(100))
    turns = [turn for i in range(400) if (turn := speaker.turn(i)) is not None]
    assert {"name", "yes_no", "choice", "cloze", "open"} == {turn.kind for turn in turns}
    assert {turn.language for turn in turns} == set(LANGUAGES)
