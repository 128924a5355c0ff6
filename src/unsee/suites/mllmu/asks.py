"""The questions of a protocol with stable ids: four sets, three tasks, with a picture and without."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from unsee.nouns import Modality, Picture, Question, QuestionKind, hash_text
from unsee.suites.mllmu import prompts
from unsee.suites.mllmu.data import Choice, Item, Mllmu, Person, Tasks
from unsee.suites.mllmu.demos import Draws, Examples, draw, examples, people_of
from unsee.suites.mllmu.presets import MODALITIES, SETS, Family, Preset, SetName, Task, family_of

Condition = Literal["asked", "no_image", "shuffled_image", "options_only"]
KINDS: Mapping[Task, QuestionKind] = {"choice": "choice", "cloze": "cloze", "generation": "open"}


@dataclass(frozen=True)
class Ask:
    """One question as a protocol puts it.

    Attributes:
        id: ``set/person/task/modality/index``, behind it ``/picture`` where a person has several.
        set: forget, test, retain or real.
        task: choice, cloze or generation.
        modality: With a picture ("image_text") or by name ("text").
        person: Id of the person; intervals cluster by it.
        name: Name of the person, "" when the data do not tell.
        index: Place among the person's questions of this task and modality.
        question: As in the data, without anything around it.
        truth: Letter of the right option, or the reference answer.
        prompt: What the model is told; with ``<image>`` where pictures stand when ``raw``.
        pictures: Those of the examples, then the one asked about.
        options: Option texts by letter.
        raw: Whether the prompt is put as it stands, or through the chat template.
        max_new_tokens: Longest reply.
    """

    id: str
    set: SetName
    task: Task
    modality: Modality
    person: str
    name: str
    index: int
    question: str
    truth: str
    prompt: str
    pictures: tuple[Picture, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    raw: bool = False
    max_new_tokens: int = 64

    @property
    def picture(self) -> Picture | None:
        """The picture asked about."""
        return self.pictures[-1] if self.pictures else None

    @property
    def plain(self) -> Question:
        """The question as in the data, without picture and options: what records and text metrics read."""
        kind = KINDS[self.task]
        return Question(self.id, self.question, kind, answer=self.truth, identity=self.person, split=self.set)

    @property
    def pair(self) -> tuple[str, str, str, int]:
        """What this question has in common with its twin in the other modality."""
        return self.set, self.person, self.task, self.index


@dataclass(frozen=True)
class Protocol:
    """A preset on given data, with its draws made.

    Attributes:
        preset: The preset.
        family: Branch of the released code that the model takes.
        draws: Whose questions are shown, which pictures are asked about.
        asks: All questions, in the order of the released calls.
        revision: Of the data.
    """

    preset: Preset
    family: Family
    draws: Draws
    asks: tuple[Ask, ...]
    revision: str

    @cached_property
    def hash(self) -> str:
        """Hash (hex) of everything that is asked."""
        return hash_text(
            self.preset.name,
            self.revision,
            *("\x1e".join((a.id, a.prompt, a.truth, *(p.hash for p in a.pictures))) for a in self.asks),
        )


def protocol(
    data: Mllmu,
    preset: Preset,
    model_type: str,
    *,
    seed: int = 0,
    sets: Sequence[SetName] = SETS,
    limit: int = 0,
    examples_of: Sequence[str] = (),
    picture: int | None = None,
    max_new_tokens: int = 64,
) -> Protocol:
    """The questions of a preset.

    Args:
        data: The benchmark.
        preset: The protocol.
        model_type: ``config.model_type`` of the model that will be asked.
        seed: Of the draws.
        sets: Which sets are asked; the draws are those of all four.
        limit: At most so many people per set, the first ones; 0 = all.
        examples_of: Ids of people to show instead of drawn ones.
        picture: Index of the test picture instead of a drawn one.
        max_new_tokens: Longest reply of ``corrected``; the other presets have their own.
    """
    family = family_of(model_type)
    draws = draw(data, preset, family, seed=seed, people=examples_of, picture=picture)
    chat = preset.chat_pictures and model_type.startswith("qwen")
    asks: list[Ask] = []
    for name in (name for name in SETS if name in sets):
        people = people_of(data, name)[: limit or None]
        for task in preset.tasks(name):
            shown = examples(data, preset, name, task, draws.people.get((name, task), ()))
            words = _Words(preset, family, shown, chat, max_new_tokens)
            asks += [ask for p in people for ask in _of_person(words, name, task, p, draws)]
    return Protocol(preset, family, draws, tuple(asks), data.revision)


@dataclass(frozen=True)
class _Words:
    """What the questions of one set and task have in common."""

    preset: Preset
    family: Family
    shown: Examples
    chat: bool
    max_new_tokens: int

    def prompt(self, question: Choice | Item, task: Task, modality: Modality) -> str:
        if not self.preset.raw:
            return _corrected(question, task)
        before = self.shown.text[modality]
        if self.chat and modality == "image_text":
            return _for_chat(question, task, self.preset, self.family)
        if isinstance(question, Choice):
            return prompts.choice_prompt(self.preset, question, modality, self.family, before)
        if task == "cloze":
            return prompts.cloze_prompt(question, modality, before)
        return prompts.generation_prompt(self.preset, question, modality)


def _corrected(question: Choice | Item, task: Task) -> str:
    if isinstance(question, Choice):
        return prompts.corrected_choice(question.question, question.options)
    return prompts.corrected_cloze(question) if task == "cloze" else question.question


def _for_chat(question: Choice | Item, task: Task, preset: Preset, family: Family) -> str:
    if isinstance(question, Choice):
        return prompts.chat_choice(question, preset, family)
    return prompts.chat_cloze(question) if task == "cloze" else prompts.chat_generation(question)


def _of_person(words: _Words, name: SetName, task: Task, person: Person, draws: Draws) -> Iterator[Ask]:
    preset, shown = words.preset, words.shown
    if person.id in shown.left_out:
        return
    first = draws.pictures.get((name, task, person.id), 0)
    asked = range(len(person.pictures)) if preset.picture == "all" else [first]
    for modality in MODALITIES:
        questions = _questions(person.image_text if modality == "image_text" else person.text, task)
        for index, question in enumerate(questions):
            if (person.id, modality, index) in shown.skipped:
                continue
            made = _ask(words, name, task, person, modality, index, question)
            if modality == "text":
                yield made
                continue
            for place in asked:
                many = f"/{place}" if len(person.pictures) > 1 else ""
                pictures = (
                    (*shown.pictures, person.pictures[place]) if made.raw else (person.pictures[place],)
                )
                yield replace(made, id=made.id + many, pictures=pictures)


def _ask(
    words: _Words,
    name: SetName,
    task: Task,
    person: Person,
    modality: Modality,
    index: int,
    question: Choice | Item,
) -> Ask:
    preset = words.preset
    new = preset.max_new_tokens(task, modality, words.family) if preset.raw else words.max_new_tokens
    return Ask(
        id=f"{name}/{person.id}/{task}/{modality}/{index}",
        set=name,
        task=task,
        modality=modality,
        person=person.id,
        name=person.name,
        index=index,
        question=question.question,
        truth=question.correct if isinstance(question, Choice) else question.truth,
        prompt=words.prompt(question, task, modality),
        options=dict(question.options) if isinstance(question, Choice) else {},
        raw=preset.raw and not (words.chat and modality == "image_text"),
        max_new_tokens=new,
    )


def _questions(tasks: Tasks, task: Task) -> Sequence[Choice | Item]:
    if task == "choice":
        return tasks.choices
    return tasks.cloze if task == "cloze" else tasks.generation


def under(condition: Condition, asks: Sequence[Ask]) -> list[Ask]:
    """The questions under a control condition, for the floors.

    Args:
        condition: ``no_image``: those with a picture, without it; ``shuffled_image``: with the picture of the
            next person of their set; ``options_only``: choice questions, the options alone, no picture.
        asks: Questions of ``corrected`` (raw prompts hold placeholders and stay as they are).

    Returns:
        The questions that the condition applies to, same ids.
    """
    if condition == "asked":
        return list(asks)
    if condition == "options_only":
        choices = {(*a.pair, a.modality): a for a in reversed(asks) if a.task == "choice" and not a.raw}
        return [_options_only(a) for a in asks if choices.get((*a.pair, a.modality)) is a]
    pictured = [a for a in asks if a.pictures and not a.raw]
    if condition == "no_image":
        return [replace(a, pictures=()) for a in pictured]
    other = _other_pictures(pictured)
    return [replace(a, pictures=(other(a),)) for a in pictured]


def _options_only(ask: Ask) -> Ask:
    prompt = prompts.corrected_choice("", ask.options).lstrip("\n")
    return replace(ask, question="", prompt=prompt, pictures=())


def _other_pictures(asks: Sequence[Ask]) -> Callable[[Ask], Picture]:
    """From a question to the picture of the next person of its set."""
    shown: dict[SetName, dict[str, Picture]] = {}
    for ask in asks:
        shown.setdefault(ask.set, {}).setdefault(ask.person, ask.pictures[-1])
    following = {
        (name, person): pictures[order[(i + 1) % len(order)]]
        for name, pictures in shown.items()
        for order in [list(pictures)]
        for i, person in enumerate(order)
    }
    return lambda ask: following[ask.set, ask.person]
