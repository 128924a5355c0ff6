"""The words around a question, byte for byte as each protocol has them (``presets``).

``<image>`` stands for a picture. Nothing is stripped: the trailing space after ``ASSISTANT: `` of the
generation prompt with picture belongs to the protocol.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from unsee.nouns import Modality
from unsee.suites.mllmu.data import BLANK, LETTERS, Choice, Item
from unsee.suites.mllmu.presets import Family, Preset

IMAGE = "<image>"
ONLY_BLANK = "\nPlease **ONLY** provide the correct answer that should replace the [Blank]."
IN_ONE_SENTENCE = {
    "image_text": "Answer the question based on your trained knowledge in one sentence accurately",
    "text": "Answer the question based on your trained knowledge in one sentence",
}
CORRECTED_CHOICE = "Answer with the letter of the right option."
CORRECTED_CLOZE = "Fill in the blank:"
RUN = re.compile(r"_{2,}")


def options_block(options: Mapping[str, str]) -> str:
    """The options, one a line: ``A: ...``."""
    return "\n".join(f"{letter}: {text}" for letter, text in options.items())


def four_options(choice: Choice) -> dict[str, str]:
    """All four options; one that the data lack reads ``None``, as in the releases."""
    return {letter: choice.options.get(letter, "None") for letter in LETTERS}


def blanked(question: str) -> str:
    """A cloze question as the releases ask it. ``____`` becomes two blanks, ``___`` one and an underscore."""
    return question.replace(BLANK, "[Blank]") + ONLY_BLANK


def choice_example(choice: Choice, modality: Modality) -> str:
    """A solved choice question."""
    opening = f"USER: {IMAGE}\n" if modality == "image_text" else "USER:\n"
    options = options_block(four_options(choice))
    return f"{opening}Question: {choice.question}\n{options}\nCorrect Answer: {choice.correct}\n"


def choice_prompt(
    preset: Preset, choice: Choice, modality: Modality, family: Family, examples: str = ""
) -> str:
    """A choice question of a raw preset, behind its examples."""
    opening = f"USER: {IMAGE}\n" if modality == "image_text" else "USER:\n"
    instruction = preset.instruction[family == "idefics2"]
    asked = f"{choice.question}\n{options_block(four_options(choice))}\n{instruction}\nASSISTANT:"
    return f"{examples}{opening}{asked}"


def cloze_example(item: Item, modality: Modality) -> str:
    """A solved cloze question; with a picture there is no space behind the colon."""
    opening = f"USER:{IMAGE}\n" if modality == "image_text" else "USER:\n"
    return f"{opening}{blanked(item.question)}\nCorrect Answer: {item.truth}\n"


def cloze_prompt(item: Item, modality: Modality, examples: str = "") -> str:
    """A cloze question of a raw preset, behind its examples."""
    opening = f"USER: {IMAGE}\n" if modality == "image_text" else "USER:\n"
    return f"{examples}{opening}{blanked(item.question)}\nASSISTANT:"


def generation_prompt(preset: Preset, item: Item, modality: Modality) -> str:
    """A generation question of a raw preset; with a picture it ends with a space."""
    opening = f"USER: {IMAGE}\n" if modality == "image_text" else "USER: "
    ending = preset.image_ending if modality == "image_text" else preset.text_ending
    return f"{opening}{item.question}\n{IN_ONE_SENTENCE[modality]} {ending}"


def chat_choice(choice: Choice, preset: Preset, family: Family) -> str:
    """What MMUnlearner puts into the chat template of Qwen models for a choice question with picture."""
    instruction = preset.instruction[family == "idefics2"]
    return f"\n{choice.question}\n{options_block(four_options(choice))}\n{instruction}"


def chat_cloze(item: Item) -> str:
    """The same for a cloze question with picture."""
    return f"\n{blanked(item.question)}"


def chat_generation(item: Item) -> str:
    """The same for a generation question with picture."""
    return f"{item.question}\n{IN_ONE_SENTENCE['image_text']} in ENGLISH."


def corrected_choice(question: str, options: Mapping[str, str]) -> str:
    """A choice question of ``corrected``, for the chat template; its answer is a letter."""
    return f"{question}\n{options_block(options)}\n{CORRECTED_CHOICE}"


def corrected_cloze(item: Item) -> str:
    """A cloze question of ``corrected``, for the chat template."""
    return f"{CORRECTED_CLOZE} {one_gap(item.question)}"


def one_gap(question: str) -> str:
    """The question with every run of two or more underscores as one ``[Blank]``."""
    return RUN.sub("[Blank]", question)
