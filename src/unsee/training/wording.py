"""Every sentence that training rows are made of, as templates.

:func:`english` suits real models. A model that understands another language, or only its own small one,
brings its own :class:`Wording`. ``{name}`` stands for a name, ``{looks}`` and ``{other_looks}`` for
descriptions.
"""

from __future__ import annotations

from dataclasses import dataclass

from unsee.nouns import ConceptKind
from unsee.training.english import (
    CONFIRMATIONS,
    KINDS,
    PARAPHRASES,
    REFUSAL_MARKS,
    REFUSALS,
    SCENE_QUESTIONS,
)


@dataclass(frozen=True)
class Wording:
    """Templates and lists for one kind of concept. Wherever several stand, rows cycle through them.

    Attributes:
        name_questions: Ask for the name of what the picture shows, without telling it. name_answers: Say
        the name; ``{name}``. yes_no_questions: Ask whether the picture shows ``{name}``. confirmations:
        Truthful "yes" to such a question; ``{name}``. denials: "No", the picture's true looks, and other
        looks of the name; ``{looks} {name} {other_looks}``. describe_questions: Ask what the picture looks
        like. other_looks: Descriptions that fit somebody or something else. substitute_names: Invented
        names of the same kind. generic_names: What the concept is called when no name is given. refusals:
        "I do not know" to a question about the picture. refusal_marks: Phrases by which a refusal is
        recognised, lower case. fact_questions: Ask by text what is known about ``{name}``. other_names:
        Well-known others of the same kind, whose facts should stay. anchor_questions: Asked about pictures
        that do not show the concept. fact_paraphrases: Ways to put a given question again; ``{question}``.
        look_questions: Ask what can be seen in the concept's picture, whoever or whatever it shows.
        other_look: What T2 says the name looks like; empty = as another picture, else one of other_looks.
    """

    name_questions: tuple[str, ...]
    name_answers: tuple[str, ...]
    yes_no_questions: tuple[str, ...]
    confirmations: tuple[str, ...]
    denials: tuple[str, ...]
    describe_questions: tuple[str, ...]
    other_looks: tuple[str, ...]
    substitute_names: tuple[str, ...]
    generic_names: tuple[str, ...]
    refusals: tuple[str, ...]
    refusal_marks: tuple[str, ...]
    fact_questions: tuple[str, ...]
    other_names: tuple[str, ...]
    anchor_questions: tuple[str, ...]
    fact_paraphrases: tuple[str, ...] = ("{question}",)
    look_questions: tuple[str, ...] = ()
    other_look: str = ""


def english(kind: ConceptKind) -> Wording:
    """The built-in English wording for a kind of concept."""
    it = KINDS[kind]
    describe: tuple[str, ...] = (
        f"Describe how the {it.noun} in this picture looks, in a few words.",
        f"What does the {it.noun} in this picture look like?",
    )
    if kind == "style":
        describe = ("Describe how this picture is drawn or painted, in a few words.",)
    return Wording(
        name_questions=it.name_questions,
        name_answers=it.name_answers,
        yes_no_questions=it.yes_no_questions,
        confirmations=CONFIRMATIONS,
        denials=it.denials,
        describe_questions=describe,
        other_looks=it.other_looks,
        substitute_names=it.substitute_names,
        generic_names=it.generic_names,
        refusals=REFUSALS,
        refusal_marks=REFUSAL_MARKS,
        fact_questions=it.fact_questions,
        other_names=it.other_names,
        anchor_questions=(it.name_questions[0], *SCENE_QUESTIONS, *it.extra_questions),
        fact_paraphrases=PARAPHRASES,
        look_questions=it.look_questions,
    )
