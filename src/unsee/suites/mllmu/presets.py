"""The evaluation protocols of MLLMU-Bench (arXiv 2410.22108) as named presets.

Published numbers come from different protocols under one name, so a preset is one of them whole: what is
shown before a question, its words, how a reply is cut and read, and which picture of several is asked about.

- ``paper-arr``: the evaluation of the review-time release. Examples come from the retain people, one question
  each; there is no cloze task.
- ``release-2411`` and ``release-2503``: the released evaluation of November 2024 and of March 2025. Examples
  are drawn from the people under evaluation and their own questions are left out, so the number of questions
  depends on the draw. They differ in the number of people shown before a choice question: 2 and 1 (LLaVA).
- ``mmunlearner-0shot``, ``mmunlearner-1shot``: the evaluation of MMUnlearner (arXiv 2502.11051): no examples,
  or one person's for both tasks; only the generated tokens are read.
- ``corrected``: no examples, the model's own chat template, every picture, options by likelihood.
- ``corrected-texts``: the same without the letters of choice questions, which are two thirds of its work: the
  option texts alone are compared. For models that cannot read letters, such as the embedded one.

Nobody's release seeds its draws. Here a preset draws from one ``random.Random(seed)``; the order of the draws
is that of the released code (see ``demos``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from unsee.nouns import Modality, UserError

SetName = Literal["forget", "test", "retain", "real"]
Task = Literal["choice", "cloze", "generation"]
Family = Literal["llava", "idefics2"]
Parser = Literal["official", "mmunlearner", "likelihood"]
SETS: tuple[SetName, ...] = ("forget", "test", "retain", "real")
TASKS: tuple[Task, ...] = ("choice", "cloze", "generation")
MODALITIES: tuple[Modality, ...] = ("image_text", "text")
DEFAULT = "corrected"
ONE_LETTER = "Just give ONE letter representing the answer directly."
LETTER_FROM_CHOICES = "Answer with the option's letter from the given choices directly."
NEW_TOKENS = 50
_CLOZE_FIRST: tuple[Task, ...] = ("cloze", "choice", "generation")
_CHOICE_FIRST: tuple[Task, ...] = ("choice", "cloze", "generation")
_FICTITIOUS: tuple[SetName, ...] = ("forget", "test", "retain")


@dataclass(frozen=True)
class Preset:
    """One protocol.

    Attributes:
        name: As given on the command line.
        about: One line for lists.
        raw: Prompts are raw strings; False = the model's chat template.
        pool: Whose questions are shown as examples: nobody's, those of people of the set under evaluation (of
            the forget set for the test set), or those of retain people.
        choice_shots: People shown before a choice question, for the LLaVA and the Idefics2 branch.
        cloze_shots: People shown before a cloze question, likewise.
        first_only: Only the first question of each person is shown, else all of them.
        choice_shown: Sets in which the examples' text stands before choice questions. Elsewhere people are
            drawn all the same, and their questions left out.
        cloze_shown: The same for cloze questions.
        instruction: Last line of a choice question, for LLaVA and Idefics2.
        image_ending: How the generation prompt with picture ends, from "in ENGLISH" on.
        text_ending: The same without picture.
        parser: How a reply is read.
        whole_decoded: The prompt is decoded with the reply and what follows ``ASSISTANT:`` is read; else only
            what was generated.
        short_text_choice: Idefics2 gets 5 new tokens for choice questions without picture.
        short_choice: Idefics2 gets 5 new tokens for all choice questions.
        picture: Which picture of a person with several is asked about: one drawn per task, the first, or all.
        cloze: Whether there is a cloze task.
        chat_pictures: Qwen models are asked questions with a picture through their chat template.
        one_stream: Draws go on from set to set; else each set begins anew (its own process in the release).
        letters: Whether letters of options are read; False = option texts only (``likelihood``).
    """

    name: str
    about: str
    raw: bool = True
    pool: Literal["none", "evaluated", "retain"] = "evaluated"
    choice_shots: tuple[int, int] = (1, 1)
    cloze_shots: tuple[int, int] = (2, 1)
    first_only: bool = False
    choice_shown: tuple[SetName, ...] = _FICTITIOUS
    cloze_shown: tuple[SetName, ...] = SETS
    instruction: tuple[str, str] = (ONE_LETTER, ONE_LETTER)
    image_ending: str = "in ENGLISH.\nASSISTANT: "
    text_ending: str = "in ENGLISH.\nASSISTANT:"
    parser: Parser = "official"
    whole_decoded: bool = True
    short_text_choice: bool = True
    short_choice: bool = False
    picture: Literal["drawn", "first", "all"] = "drawn"
    cloze: bool = True
    chat_pictures: bool = False
    one_stream: bool = True
    letters: bool = True

    def shots(self, task: Task, family: Family) -> int:
        """How many people are shown as examples before a question of this task."""
        if self.pool == "none" or task == "generation":
            return 0
        return (self.choice_shots if task == "choice" else self.cloze_shots)[family == "idefics2"]

    def tasks(self, name: SetName) -> tuple[Task, ...]:
        """The tasks of a set in the order in which they are run, which is that of the random draws."""
        if not self.cloze:
            return ("choice", "generation")
        return _CHOICE_FIRST if name == "test" else _CLOZE_FIRST

    def max_new_tokens(self, task: Task, modality: Modality, family: Family) -> int:
        """Longest reply, in tokens."""
        few = self.short_choice or (self.short_text_choice and modality == "text")
        return 5 if task == "choice" and family == "idefics2" and few else NEW_TOKENS


CORRECTED = Preset(
    "corrected",
    "no examples, chat template, all pictures, options by likelihood, whole-word cloze",
    raw=False,
    pool="none",
    instruction=("", ""),
    image_ending="",
    text_ending="",
    parser="likelihood",
    whole_decoded=False,
    short_text_choice=False,
    picture="all",
)
_PRESETS = (
    Preset(
        "paper-arr",
        "review-time release: 2-shot choice (Idefics2: 1) from retain people, no cloze",
        pool="retain",
        choice_shots=(2, 1),
        first_only=True,
        instruction=(LETTER_FROM_CHOICES, ONE_LETTER),
        image_ending="in ENGLISH!!.\nASSISTANT: ",
        text_ending="in ENGLISH!!\nASSISTANT:",
        short_choice=True,
        picture="first",
        cloze=False,
    ),
    Preset(
        "release-2411",
        "release of November 2024: 2-shot choice and cloze (Idefics2: 1) from the evaluated people",
        choice_shots=(2, 1),
    ),
    Preset("release-2503", "release of March 2025: 1-shot choice, 2-shot cloze (Idefics2: 1)"),
    Preset(
        "mmunlearner-0shot",
        "MMUnlearner's evaluation without examples",
        pool="none",
        parser="mmunlearner",
        whole_decoded=False,
        short_text_choice=False,
        chat_pictures=True,
        one_stream=False,
    ),
    Preset(
        "mmunlearner-1shot",
        "MMUnlearner's evaluation with one person's questions as examples",
        cloze_shots=(1, 1),
        one_stream=False,
        parser="mmunlearner",
        whole_decoded=False,
        short_text_choice=False,
    ),
    CORRECTED,
    replace(
        CORRECTED,
        name="corrected-texts",
        about="corrected without letters: choice questions by their option texts, at a third of the work",
        letters=False,
    ),
)
PRESETS = {preset.name: preset for preset in _PRESETS}


def get_preset(name: str) -> Preset:
    """The preset of this name.

    Raises:
        UserError: There is none.
    """
    if name not in PRESETS:
        raise UserError(
            "There is no such protocol of MLLMU-Bench.",
            got=name,
            expected=", ".join(PRESETS),
            remedy=f"use {DEFAULT}, or the protocol of the numbers you compare with",
        )
    return PRESETS[name]


def family_of(model_type: str) -> Family:
    """Which branch of the released code a model takes; those it does not know take LLaVA's.

    Args:
        model_type: ``config.model_type``, such as "llava" or "idefics2".
    """
    return "idefics2" if model_type.startswith(("idefics", "smolvlm")) else "llava"
