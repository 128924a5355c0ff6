"""The acceptance figures of an embedded model, on pictures that no training ever saw.

Every section is asked half in trained and half in held-out wordings; both are reported. A reply counts as
right by the same rule that every record of unsee is scored with.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unsee.answering import answer, choose
from unsee.metrics.replies import status_of
from unsee.metrics.words import has_words
from unsee.models.load import VLM, load
from unsee.nouns import Question
from unsee.world import asking
from unsee.world.asking import Asker
from unsee.world.curriculum import STAGES, Known, Stage
from unsee.world.people import Identity
from unsee.world.wording.languages import OTHER_LANGUAGES

MAX_NEW_TOKENS = 80


@dataclass(frozen=True)
class Mark:
    """Share of right replies in one section, by wording, with the number asked."""

    all: float
    trained: float | None
    held_out: float | None
    n: int


def sections(stage: Stage, count: int, seed: int) -> dict[str, list[Question]]:
    """All sections of a stage's exam, ``count`` questions each."""

    def ask(name: str) -> Asker:
        return Asker(f"exam-{name}", stage, split=name, seed=seed)

    found = {
        "attributes": asking.attributes(ask("attributes"), count),
        "figure_attributes": asking.figure_attributes(ask("figure_attributes"), count),
        "scenes": asking.scene_questions(ask("scenes"), count),
        "describe": asking.descriptions(ask("describe"), count // 2),
        "describe_scene": asking.scene_descriptions(ask("describe_scene"), count // 2),
        "strangers": asking.strangers(ask("strangers"), count),
        "strangers_facts": asking.strangers(ask("strangers_facts"), count, ("fact",)),
        "unknown_names": asking.text_questions(ask("unknown_names"), [None], "fact", count // 2),
        "copy_letter": asking.text_questions(ask("copy_letter"), [None], "copy_letter", count // 2),
    }
    if stage.known:
        found |= known_sections(stage, count, ask)
    return found


def known_sections(stage: Stage, count: int, ask: Callable[[str], Asker]) -> dict[str, list[Question]]:
    """Sections about the known: people of the newest group, and the other concepts."""
    people: list[Known] = [
        k for k in stage.known if isinstance(k, Identity) and k.group == newest_group(stage)
    ]
    concepts: list[Known] = list(asking.public_concepts(stage))
    found = {
        "name": asking.naming(ask("name"), people, count),
        "name_concepts": asking.naming(ask("name_concepts"), concepts, count // 2),
        "facts_by_picture": asking.facts_by_picture(ask("facts_by_picture"), people, count),
        "facts_by_text": asking.facts_by_text(ask("facts_by_text"), people, count),
        "facts_of_concepts": asking.facts_by_picture(ask("facts_of_concepts"), concepts, count // 2),
        "yes_no": asking.yes_no(ask("yes_no"), people, count),
        "groups": asking.groups(ask("groups"), people, count // 2),
        "hop_by_picture": asking.topic_questions(ask("hop_by_picture"), people, "hop", count // 2),
        "hop_by_text": asking.text_questions(ask("hop_by_text"), people, "hop", count // 2),
        "cloze": asking.topic_questions(ask("cloze"), people, "cloze", count // 2),
        "letters_fact": asking.topic_questions(ask("letters_fact"), people, "letter_fact", count // 2),
        "letters_who": asking.topic_questions(ask("letters_who"), people, "letter_who", count // 2),
        "letters_text": asking.text_questions(ask("letters_text"), people, "letter_fact", count // 2),
        "options_fact": asking.cloze_options(ask("options_fact"), people, count // 2),
        "options_who": asking.topic_questions(ask("options_who"), people, "choice_who", count // 2),
    }
    each = max(2, count // 12)
    for language in OTHER_LANGUAGES:
        asker = ask(f"name_{language}")
        found[f"name_{language}"] = asking.topic_questions(asker, people, "name", each, language=language)
    return found


def newest_group(stage: Stage) -> str:
    """The group of people that the stage is there to teach."""
    groups = {k.group for k in stage.known if isinstance(k, Identity)}
    return "private" if "private" in groups else "celebrity"


def examine(vlm: VLM, stage: Stage, *, count: int = 120, seed: int = 0) -> dict[str, Mark]:
    """Ask everything and mark it.

    Args:
        vlm: The model.
        stage: What it should know: the exam of ``base`` or ``target`` may be given to a gold model too.
        count: Questions of a full section.
        seed: Another seed, other pictures and questions.
    """
    asked = sections(stage, count, seed)
    questions = [q for section in asked.values() for q in section]
    spoken = [q for q in questions if not q.split.startswith("options_")]
    replies = dict(
        zip((q.id for q in spoken), answer(vlm, spoken, max_new_tokens=MAX_NEW_TOKENS), strict=True)
    )
    scored = [q for q in questions if q.split.startswith("options_")]
    chosen = dict(zip((q.id for q in scored), choose(vlm, scored), strict=True))
    right = {q.id: rightness(q, replies[q.id].text) for q in spoken}
    right |= {q.id: float(q.options[chosen[q.id]] in q.keywords) for q in scored}
    return {name: mark(section, right) for name, section in asked.items() if section}


def rightness(question: Question, reply: str) -> float:
    """1 or 0; of a description the share of its phrases that are said."""
    if question.split.startswith("describe"):
        return sum(has_words(reply, phrase) for phrase in question.keywords) / len(question.keywords)
    return float(status_of(question, reply) == "correct")


def mark(section: Sequence[Question], right: Mapping[str, float]) -> Mark:
    """The mark of one section."""

    def mean(questions: Sequence[Question]) -> float | None:
        return sum(right[q.id] for q in questions) / len(questions) if questions else None

    trained = [q for q in section if q.wording == "trained"]
    held_out = [q for q in section if q.wording == "held_out"]
    return Mark(mean(section) or 0.0, mean(trained), mean(held_out), len(section))


def as_table(marks: Mapping[str, Mark]) -> str:
    """The marks as text, one section a line."""
    lines = [f"{'section':20} {'all':>6} {'trained':>8} {'held out':>9} {'n':>5}"]
    for name, m in marks.items():
        cells = (f"{v:.3f}" if v is not None else "-" for v in (m.all, m.trained, m.held_out))
        lines.append("{:20} {:>6} {:>8} {:>9} {:>5}".format(name, *cells, m.n))
    return "\n".join(lines)


def main(folder: Path, stage: str, count: int = 120, without: str = "") -> None:
    """Examine a model folder and print the table; nothing is asked about ``without``."""
    asked = STAGES[stage].without(without) if without else STAGES[stage]
    marks = examine(load(folder), asked, count=count)
    print(as_table(marks))
    name = f"exam-without-{without}.json" if without else "exam.json"
    (folder / name).write_text(json.dumps({k: vars(m) for k, m in marks.items()}, indent=1) + "\n")


if __name__ == "__main__":
    import sys

    main(
        Path(sys.argv[1]),
        sys.argv[2],
        int(sys.argv[3]) if len(sys.argv) > 3 else 120,
        sys.argv[4] if len(sys.argv) > 4 else "",
    )
