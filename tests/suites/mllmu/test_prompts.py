"""Every prompt byte for byte, and what each protocol does not share with the others."""

from __future__ import annotations

import pytest

from unsee.nouns import UserError
from unsee.suites.mllmu import prompts
from unsee.suites.mllmu.data import Choice, Item
from unsee.suites.mllmu.presets import PRESETS, family_of, get_preset

CHOICE = Choice("Where was she born?", {"A": "Oslo", "B": "Rome", "C": "Lima", "D": "Bern"}, "B")
CLOZE = Item("She was born in __.", "Rome")
ASKED = Item("Where was she born?", "She was born in Rome.")
OPTIONS = "A: Oslo\nB: Rome\nC: Lima\nD: Bern"
GAP = "She was born in [Blank].\nPlease **ONLY** provide the correct answer that should replace the [Blank]."


def test_a_solved_choice_question() -> None:
    assert prompts.choice_example(CHOICE, "image_text") == (
        "USER: <image>\nQuestion: Where was she born?\nA: Oslo\nB: Rome\nC: Lima\nD: Bern\n"
        "Correct Answer: B\n"
    )
    assert prompts.choice_example(CHOICE, "text") == (
        "USER:\nQuestion: Where was she born?\nA: Oslo\nB: Rome\nC: Lima\nD: Bern\nCorrect Answer: B\n"
    )


@pytest.mark.parametrize("name", ["release-2411", "release-2503", "mmunlearner-0shot", "mmunlearner-1shot"])
def test_a_choice_question_of_the_releases(name: str) -> None:
    preset = PRESETS[name]
    for family in ("llava", "idefics2"):
        assert prompts.choice_prompt(preset, CHOICE, "image_text", family, "EXAMPLES") == (
            "EXAMPLESUSER: <image>\nWhere was she born?\nA: Oslo\nB: Rome\nC: Lima\nD: Bern\n"
            "Just give ONE letter representing the answer directly.\nASSISTANT:"
        )
        assert prompts.choice_prompt(preset, CHOICE, "text", family) == (
            "USER:\nWhere was she born?\nA: Oslo\nB: Rome\nC: Lima\nD: Bern\n"
            "Just give ONE letter representing the answer directly.\nASSISTANT:"
        )


def test_a_choice_question_of_the_review_time_release() -> None:
    preset = PRESETS["paper-arr"]
    assert prompts.choice_prompt(preset, CHOICE, "image_text", "llava") == (
        "USER: <image>\nWhere was she born?\nA: Oslo\nB: Rome\nC: Lima\nD: Bern\n"
        "Answer with the option's letter from the given choices directly.\nASSISTANT:"
    )
    assert prompts.choice_prompt(preset, CHOICE, "text", "idefics2") == (
        "USER:\nWhere was she born?\nA: Oslo\nB: Rome\nC: Lima\nD: Bern\n"
        "Just give ONE letter representing the answer directly.\nASSISTANT:"
    )


def test_cloze_questions() -> None:
    assert prompts.cloze_example(CLOZE, "image_text") == f"USER:<image>\n{GAP}\nCorrect Answer: Rome\n"
    assert prompts.cloze_example(CLOZE, "text") == f"USER:\n{GAP}\nCorrect Answer: Rome\n"
    assert prompts.cloze_prompt(CLOZE, "image_text", "EXAMPLES") == (
        "EXAMPLESUSER: <image>\nShe was born in [Blank].\n"
        "Please **ONLY** provide the correct answer that should replace the [Blank].\nASSISTANT:"
    )
    assert prompts.cloze_prompt(CLOZE, "text") == (
        "USER:\nShe was born in [Blank].\n"
        "Please **ONLY** provide the correct answer that should replace the [Blank].\nASSISTANT:"
    )


@pytest.mark.parametrize("name", ["release-2411", "release-2503", "mmunlearner-0shot", "mmunlearner-1shot"])
def test_generation_with_a_picture_ends_with_a_space(name: str) -> None:
    assert prompts.generation_prompt(PRESETS[name], ASKED, "image_text") == (
        "USER: <image>\nWhere was she born?\n"
        "Answer the question based on your trained knowledge in one sentence accurately in ENGLISH.\n"
        "ASSISTANT: "
    )
    assert prompts.generation_prompt(PRESETS[name], ASKED, "text") == (
        "USER: Where was she born?\n"
        "Answer the question based on your trained knowledge in one sentence in ENGLISH.\nASSISTANT:"
    )


def test_generation_of_the_review_time_release() -> None:
    preset = PRESETS["paper-arr"]
    assert prompts.generation_prompt(preset, ASKED, "image_text") == (
        "USER: <image>\nWhere was she born?\n"
        "Answer the question based on your trained knowledge in one sentence accurately in ENGLISH!!.\n"
        "ASSISTANT: "
    )
    assert prompts.generation_prompt(preset, ASKED, "text") == (
        "USER: Where was she born?\n"
        "Answer the question based on your trained knowledge in one sentence in ENGLISH!!\nASSISTANT:"
    )


def test_what_mmunlearner_tells_qwen_models() -> None:
    preset = PRESETS["mmunlearner-0shot"]
    assert prompts.chat_choice(CHOICE, preset, "llava") == (
        f"\nWhere was she born?\n{OPTIONS}\nJust give ONE letter representing the answer directly."
    )
    assert prompts.chat_cloze(CLOZE) == f"\n{GAP}"
    assert prompts.chat_generation(ASKED) == (
        "Where was she born?\n"
        "Answer the question based on your trained knowledge in one sentence accurately in ENGLISH."
    )


@pytest.mark.parametrize(
    ("blank", "released", "corrected"),
    [
        ("__", "[Blank]", "[Blank]"),
        ("___", "[Blank]_", "[Blank]"),
        ("____", "[Blank][Blank]", "[Blank]"),
        ("_", "_", "_"),
    ],
)
def test_blanks_of_other_lengths(blank: str, released: str, corrected: str) -> None:
    assert prompts.blanked(f"in {blank}.").startswith(f"in {released}.\nPlease **ONLY**")
    assert prompts.corrected_cloze(Item(f"in {blank}.", "x")) == f"Fill in the blank: in {corrected}."


def test_an_option_that_is_missing_reads_none_in_the_releases_only() -> None:
    short = Choice("Where?", {"A": "Oslo", "B": "Rome"}, "B")
    assert "\nC: None\nD: None\n" in prompts.choice_example(short, "text")
    assert "\nC: None\nD: None\n" in prompts.choice_prompt(PRESETS["release-2503"], short, "text", "llava")
    assert "None" not in prompts.corrected_choice(short.question, short.options)


def test_corrected_choice() -> None:
    assert prompts.corrected_choice(CHOICE.question, CHOICE.options) == (
        f"Where was she born?\n{OPTIONS}\nAnswer with the letter of the right option."
    )


def test_people_shown_before_a_question() -> None:
    shots = {
        name: [preset.shots(t, f) for t in ("choice", "cloze") for f in ("llava", "idefics2")]
        for name, preset in PRESETS.items()
    }
    assert shots == {
        "paper-arr": [2, 1, 2, 1],
        "release-2411": [2, 1, 2, 1],
        "release-2503": [1, 1, 2, 1],
        "mmunlearner-0shot": [0, 0, 0, 0],
        "mmunlearner-1shot": [1, 1, 1, 1],
        "corrected": [0, 0, 0, 0],
        "corrected-texts": [0, 0, 0, 0],
    }
    assert {preset.shots("generation", "llava") for preset in PRESETS.values()} == {0}


def test_lengths_of_replies() -> None:
    for name in ("release-2411", "release-2503"):
        lengths = PRESETS[name].max_new_tokens
        assert lengths("choice", "text", "idefics2") == 5
        assert lengths("choice", "image_text", "idefics2") == lengths("choice", "text", "llava") == 50
        assert lengths("cloze", "text", "idefics2") == lengths("generation", "text", "llava") == 50
    assert PRESETS["paper-arr"].max_new_tokens("choice", "image_text", "idefics2") == 5
    assert PRESETS["mmunlearner-0shot"].max_new_tokens("choice", "text", "idefics2") == 50


def test_families_and_names() -> None:
    assert [family_of(t) for t in ("llava", "qwen2_5_vl", "idefics2", "idefics3", "smolvlm")] == [
        "llava",
        "llava",
        "idefics2",
        "idefics2",
        "idefics2",
    ]
    with pytest.raises(UserError, match="release-2503"):
        get_preset("release")
