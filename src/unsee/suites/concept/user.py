"""The questionnaire for a user's own model: made from one picture and a name, and whatever else there is.

Metrics that need more than the user gave are absent: without test pictures there is no ``naming_rate``,
without retain pictures no balanced yes/no and no ``retain_agreement``, without facts no ``facts_by_text``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from unsee.metrics.words import content_words, words
from unsee.nouns import Concept, Picture, Question, hash_text
from unsee.suites.concept.questionnaire import Questionnaire
from unsee.suites.concept.wordings import Wordings, english


def user_questionnaire(
    concept: Concept,
    picture: Picture,
    test_pictures: Sequence[Picture] = (),
    retain_pictures: Sequence[Picture] = (),
    *,
    retain_names: Mapping[str, Sequence[str]] | None = None,
    trained_prompts: Collection[str] = (),
    wordings: Wordings | None = None,
    limit: int = 20,
) -> Questionnaire:
    """The questionnaire for a user's own model; nothing has to be prepared.

    Args:
        concept: What must go; facts with short answers are asked as they are.
        picture: The training picture.
        test_pictures: Other pictures of the concept, never trained on.
        retain_pictures: Pictures that do not show the concept. Pictures equal to the training picture or to a
            test picture are left out.
        retain_names: Names of what a retain picture shows, by picture hash; those pictures feed
            ``others_named``.
        trained_prompts: Prompts of the training rows; questions with such a prompt are marked "trained".
        wordings: Templates; None: English for the concept's kind.
        limit: At most this many test pictures and this many retain pictures are asked about.
    """
    say = wordings or english(concept.kind)
    tests = _distinct(test_pictures, without={picture.hash})[:limit]
    known = {picture.hash, *(p.hash for p in test_pictures)}
    others = _distinct(retain_pictures, without=known)[:limit]
    named = dict(retain_names or {})
    made = [
        *_of_the_concept(concept, picture, tests, say),
        *_negatives(concept, tests, others, say),
        *_facts(concept, picture, tests, say),
        *_kept(others, named, say),
        *_open(picture, others, say),
    ]
    unique = {q.id: q for q in made}
    held = {" ".join(words(p)) for p in trained_prompts}
    questions = tuple(
        replace(q, wording="trained") if " ".join(words(q.prompt)) in held else q for q in unique.values()
    )
    return Questionnaire(concept, picture, questions)


def _distinct(pictures: Sequence[Picture], without: Collection[str]) -> list[Picture]:
    return list({p.hash: p for p in pictures if p.hash not in without}.values())


def _ask(question: Question) -> Question:
    """The question with an id made of its content, so that a changed question is another question."""
    shown = question.picture.hash if question.picture else ""
    key = hash_text(
        question.split, question.kind, question.prompt, shown, *question.keywords, *question.options
    )
    return replace(question, id=f"{question.split}-{key[:12]}")


def _of_the_concept(
    concept: Concept, picture: Picture, tests: Sequence[Picture], say: Wordings
) -> Iterator[Question]:
    """Name questions, yes/no with the answer yes, and the name among options."""
    me, answer = concept.id or concept.name, say.name_answer.format(name=concept.name)
    for shown in (picture, *tests):
        split = "efficacy" if shown.hash == picture.hash else "naming"
        for prompt in say.name:
            yield _ask(Question("", prompt, "name", shown, concept.names, answer, identity=me, split=split))
        for prompt in say.yes_no:
            text = prompt.format(name=concept.name)
            yield _ask(Question("", text, "yes_no", shown, ("yes",), identity=me, split="yes_no"))
        yield _choice(concept, shown, me, "choice", say)


def _choice(concept: Concept, shown: Picture, identity: str, split: str, say: Wordings) -> Question:
    """The true name among the alternatives, at a place that depends on the name only."""
    mine = {words(n) for n in concept.names}
    others = [a for a in say.alternatives if words(a) not in mine]
    place = int(hash_text(concept.name)[:8], 16) % (len(others) + 1)
    names = (*others[:place], concept.name, *others[place:])
    return _ask(
        Question(
            "",
            say.choice,
            "choice",
            shown,
            answer=say.name_answer.format(name=concept.name),
            options=tuple(say.name_answer.format(name=n) for n in names),
            identity=identity,
            split=split,
        )
    )


def _negatives(
    concept: Concept, tests: Sequence[Picture], others: Sequence[Picture], say: Wordings
) -> Iterator[Question]:
    """As many pictures with the answer no as with yes, where there are so many, and the option control."""
    for shown in others[: max(3, 1 + len(tests))]:
        for prompt in say.yes_no:
            text = prompt.format(name=concept.name)
            yield _ask(Question("", text, "yes_no", shown, ("no",), identity=shown.hash[:12], split="yes_no"))
        yield _choice(concept, shown, shown.hash[:12], "choice_control", say)


def _facts(concept: Concept, picture: Picture, tests: Sequence[Picture], say: Wordings) -> Iterator[Question]:
    me = concept.id or concept.name
    for prompt, answer in concept.facts:
        keywords = (answer.rstrip("."),) if 0 < len(words(answer)) <= 4 else ()
        if not keywords and not content_words(answer):
            continue
        yield _ask(Question("", prompt, "cloze", None, keywords, answer, identity=me, split="facts_by_text"))
        blind = without_name(prompt, concept.names, say.reference)
        for shown in (tests or (picture,))[:5] if blind else ():
            yield _ask(
                Question("", blind, "cloze", shown, keywords, answer, identity=me, split="facts_by_picture")
            )
    for prompt in say.about:
        text = prompt.format(name=concept.name)
        yield _ask(Question("", text, "open", None, identity=me, split="about"))


def without_name(prompt: str, names: Sequence[str], reference: str) -> str:
    """The prompt with the name replaced by "the person in the photo"; empty when the name does not occur."""
    text = prompt
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", lambda _: reference, text, flags=re.IGNORECASE)
    if text == prompt:
        return ""
    return text[:1].upper() + text[1:]


def _kept(others: Sequence[Picture], named: Mapping[str, Sequence[str]], say: Wordings) -> Iterator[Question]:
    """Others: by their names where these are known, else whether the reply stays the same."""
    for shown in others:
        names, who = tuple(named.get(shown.hash, ())), shown.hash[:12]
        for prompt in say.name[:2]:
            if names:
                yield _ask(Question("", prompt, "name", shown, names, identity=names[0], split="others"))
            else:
                yield _ask(Question("", prompt, "open", shown, identity=who, split="retain"))
        yield _ask(Question("", say.describe[0], "open", shown, identity=who, split="retain"))


def _open(picture: Picture, others: Sequence[Picture], say: Wordings) -> Iterator[Question]:
    for shown in (picture, *others[:4]):
        for prompt in say.describe[1:] or say.describe:
            yield _ask(Question("", prompt, "open", shown, identity=shown.hash[:12], split="open"))
    for prompt in say.free:
        yield _ask(Question("", prompt, "open", None, identity=prompt, split="open"))
