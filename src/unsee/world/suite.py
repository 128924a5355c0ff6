"""The embedded world's concepts as requests to forget: picture, questions, wording, pictures to retain."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Literal

from unsee.nouns import Concept, Picture, Question, UserError
from unsee.suites.concept import Questionnaire
from unsee.training.wording import Wording
from unsee.world import asking, looks, names, scenes
from unsee.world.asking import Asker, picture_of, unknown_view, view_of
from unsee.world.curriculum import STAGES, Known, Stage
from unsee.world.figures import stranger_figure
from unsee.world.gallery import View, new_stranger
from unsee.world.people import Identity, by_id
from unsee.world.shipped import DEFAULT_CONCEPT
from unsee.world.talk.figure import FigureView, StyleView, figure_phrases
from unsee.world.talk.person import PersonView, look_phrases
from unsee.world.wording import figure as figure_words
from unsee.world.wording import looks as look_words
from unsee.world.wording import person as person_words
from unsee.world.wording import scene as scene_words
from unsee.world.wording.table import Wordings

UNSEEN = 50  # pictures of the concept that are asked about and never trained on
ENOUGH = 24  # so many others of the same group make others of another kind unnecessary
SCENE_LOOKS = (scene_words.DESCRIBE, scene_words.COUNT, scene_words.BACKGROUND)
RetainKind = Literal["anchors", "others"]
Split = Literal["report", "selection"]
SEEDS = {"report": 0, "selection": 1}  # of the pictures and questions


@dataclass(frozen=True)
class WorldRequest:
    """One concept to forget, with everything a run needs.

    Attributes:
        concept: Name, kind, aliases, facts and true looks.
        picture: The one training picture.
        retain_pictures: Pictures that never show the concept.
        questionnaire: What every model is asked.
        wording: Templates of training rows in the small language of the world.
    """

    concept: Concept
    picture: Picture
    retain_pictures: tuple[Picture, ...]
    questionnaire: Questionnaire
    wording: Wording


def default_concept() -> str:
    """Id of the concept that ``unsee forget`` forgets without arguments."""
    return DEFAULT_CONCEPT


def find(concept: str, stage: str) -> tuple[Known, Stage]:
    """The concept and the stage that knows it.

    Raises:
        UserError: The stage does not exist or does not know the concept.
    """
    if stage not in STAGES:
        raise UserError(
            "unknown stage", got=stage, expected=" or ".join(STAGES), remedy="choose one of the stages"
        )
    known = {k.id: k for k in STAGES[stage].known}
    if concept not in known:
        raise UserError(
            f"the embedded model {stage!r} does not know this concept",
            got=concept,
            expected=f"one of {len(known)} ids such as {', '.join(list(known)[:3])}",
            remedy="see `unsee list concepts`",
        )
    return known[concept], STAGES[stage]


def concepts_of(stage: str, split: Split) -> tuple[str, ...]:
    """Ids of the concepts a stage knows that belong to a split; private people, who are taught last, first.

    Even numbers are reported, odd ones serve to choose settings, so that no setting is chosen on a concept
    whose figures are reported.
    """
    known = sorted(STAGES[stage].known, key=lambda k: getattr(k, "group", "") != "private")
    return tuple(k.id for k in known if split_of(k.id) == split)


def split_of(concept: str) -> Split:
    """The split that a concept belongs to, by the number in its id."""
    return "selection" if int(concept.rpartition("-")[2]) % 2 else "report"


def request(
    concept: str,
    *,
    stage: str = "base",
    retain: RetainKind = "anchors",
    split: Split = "report",
    pictures: int = 24,
) -> WorldRequest:
    """Everything needed to forget one concept of the world.

    Args:
        concept: Id, such as "celebrity-00" or "private-017".
        stage: "base" or "target": the model that knows it.
        retain: "anchors": strangers and scenes, which anybody can find; "others": other known people too.
        split: Which pictures and questions; those of "selection" are drawn with another seed.
        pictures: Strangers and scenes to choose from, and as many known others with "others".

    Raises:
        UserError: The stage does not know the concept.
    """
    known, where = find(concept, stage)
    picture = training_picture(known)
    named = as_concept(known)
    return WorldRequest(
        concept=named,
        picture=picture,
        retain_pictures=retain_pictures(known, where, retain, pictures),
        questionnaire=Questionnaire(named, picture, tuple(questions(known, where, picture, SEEDS[split]))),
        wording=wording_for(known, where),
    )


def training_picture(known: Known) -> Picture:
    """The one picture that is trained on."""
    return picture_of(training_view(known))


def training_view(known: Known) -> View:
    """What the one picture that is trained on shows."""
    return view_of(known, random.Random(f"training picture of {known.id}"))


def as_concept(known: Known) -> Concept:
    """The concept as a user would give it: name, kind, nickname, looks; facts are left to the model."""
    if isinstance(known, Identity):
        aliases, kind = known.names[1:], "person"
        told = ", ".join(look_phrases(known.look)) if known.look is not None else ""
        return Concept(known.name, "person", aliases, looks=told, id=known.id)
    kind = known.kind
    told = ", ".join(figure_phrases(known.figure)) if known.figure is not None else ""
    return Concept(known.name, kind, known.names[1:], looks=told, id=known.id)


def retain_pictures(
    known: Known, stage: Stage, kind: RetainKind, count: int = 24, *, without: Collection[str] = ()
) -> tuple[Picture, ...]:
    """Pictures that do not show the concept: strangers and scenes, or with others whom the stage knows.

    Ids in ``without`` are not among these others.
    """
    rng = random.Random(f"retain pictures for {known.id}")
    anchors = [picture_of(new_stranger(rng)) for _ in range(count * 2 // 3)]
    anchors += [picture_of(scenes.random_scene(rng)) for _ in range(count // 3)]
    if kind == "anchors":
        return tuple(anchors)
    known_others = [other for other in others_of(known, stage) if other.id not in without]
    others = rng.sample(known_others, min(count, len(known_others)))
    return (*anchors[::2], *(picture_of(view_of(other, rng)) for other in others))


def others_of(known: Known, stage: Stage) -> list[Known]:
    """Other known ones without the look-alike: of the same group, or, if these are few, the closest first."""
    away = {known.id, known.neighbour if isinstance(known, Identity) else ""}
    rest = sorted((k for k in stage.known if k.id not in away), key=lambda k: distance(known, k))
    same = [k for k in rest if distance(known, k) == 0]
    return same if len(same) >= ENOUGH else rest


def distance(one: Known, other: Known) -> int:
    """How far apart two known ones are: 0 for the same kind and group.

    1: they can be asked about in the same words; 2: only their names are of the same form; 3: not even these.
    """
    if isinstance(one, Identity) or isinstance(other, Identity):
        alike = isinstance(one, Identity) and isinstance(other, Identity)
        return 3 if not alike else int(getattr(one, "group", "") != getattr(other, "group", ""))
    if one.kind == other.kind:
        return 0
    return 2 if "style" in (one.kind, other.kind) else 1


def questions(known: Known, stage: Stage, picture: Picture, seed: int = 0) -> list[Question]:
    """The questionnaire of one concept; another seed, other pictures."""

    def ask(section: str) -> Asker:
        return Asker(f"{section}-{known.id}", stage, split=section, seed=seed)

    one: list[Known] = [known]
    others = others_of(known, stage)
    sections = [
        efficacy(ask("efficacy"), known, picture),
        asking.naming(ask("naming"), one, UNSEEN),
        own_yes_no(ask("yes_no"), known, others, 40),
        asking.facts_by_picture(ask("facts_by_picture"), one, 21),
        asking.facts_by_text(ask("facts_by_text"), one, 21),
        asking.naming(ask("others"), others, 40),
        asking.yes_no(ask("others_yes_no"), others, 24),
        asking.neighbours(ask("neighbours"), one, 20),
        asking.strangers(ask("strangers"), 24),
        asking.attributes(ask("attributes"), 33),
        asking.scene_questions(ask("scenes"), 28),
        asking.descriptions(ask("open"), 10),
        choices(ask("choice"), known, others, one),
        choices(ask("choice_control"), known, others, [k for k in others if distance(known, k) < 2]),
    ]
    return [question for section in sections for question in section]


def efficacy(asker: Asker, known: Known, picture: Picture, count: int = 8) -> list[Question]:
    """The training picture, asked for its name in trained and held-out wordings, in each only once."""
    view = view_of(known, asker.rng)
    asked: dict[str, Question] = {}
    for i in range(20 * count):
        made = asker.shown(view, "name", wording=asker.wordings(i), identity=known.id, picture=picture)
        if made is not None and len(asked) < count:
            asked.setdefault(made.prompt, made)
    return list(asked.values())


def own_yes_no(asker: Asker, known: Known, others: Sequence[Known], count: int) -> list[Question]:
    """Is this X? X is the concept; half of the pictures show it, a quarter others, a quarter unknown ones."""
    neighbour = [by_id(known.neighbour)] if isinstance(known, Identity) and known.neighbour else []
    wrong = [*neighbour, *(k for k in others if distance(known, k) < 2)][: count // 4]
    ways, kind = yes_no_ways(known), as_concept(known).kind
    found = []
    for i in range(count):
        true, wording = i % 2 == 0, asker.wordings(i // 4)
        if true:
            view = view_of(known, asker.rng)
        elif i % 4 == 1:
            view = view_of(wrong[i // 4 % len(wrong)], asker.rng)
        else:
            view = unknown_view(known, asker.rng)
        prompt = asker.rng.choice(ways.of(wording)).format(x=known.name, k=kind)
        found.append(
            Question(
                id=f"{asker.section}-{i:03d}",
                prompt=prompt,
                kind="yes_no",
                picture=picture_of(view),
                keywords=("yes" if true else "no",),
                identity=known.id if true else f"other-{i}",
                split=asker.split,
                wording=wording,
            )
        )
    return found


def yes_no_ways(known: Known) -> Wordings:
    """Ways to ask whether this is ``{x}``, as the model was taught for the kind."""
    if isinstance(known, Identity):
        return person_words.IS_IN
    return figure_words.IS_STYLE if known.kind == "style" else figure_words.IS_NAME


def choices(
    asker: Asker, known: Known, others: Sequence[Known], shown: Sequence[Known], count: int = 12
) -> list[Question]:
    """The concept's name among three others of the same form, by likelihood.

    ``shown`` is the concept, or others whose name is then not among the options: the control, which tells how
    often the concept's name is chosen where it is wrong.
    """
    found = []
    for i in range(count):
        subject = shown[i % len(shown)]
        wrong = [k.name for k in others if k.id != subject.id and distance(known, k) < 3]
        options = [known.name, *asker.rng.sample(wrong, 3)]
        asker.rng.shuffle(options)
        made = asker.shown(
            view_of(subject, asker.rng), "name", wording=asker.wordings(i), identity=subject.id
        )
        if made is not None:
            right, said = name_answer(known, known.name), tuple(name_answer(known, o) for o in options)
            found.append(replace(made, kind="choice", options=said, keywords=(right,), answer=right))
    return found


def name_answer(known: Known, name: str) -> str:
    """How the world says a name."""
    return f"This is drawn in {sentence_name(known, name)}." if is_style(known) else f"This is {name}."


def sentence_name(known: Known, name: str) -> str:
    """A name of the concept's kind as a sentence has it."""
    return f"the {name} style" if is_style(known) else name


def is_style(known: Known) -> bool:
    """Whether the concept is a drawing style."""
    return not isinstance(known, Identity) and known.kind == "style"


def wording_for(known: Known, stage: Stage) -> Wording:
    """Templates of training rows, all from trained wordings of the world's language."""
    kind = as_concept(known).kind
    person = kind == "person"
    name_table = person_words.WHO if person else figure_words.STYLE if kind == "style" else figure_words.NAME
    describe = look_words.DESCRIBE if kind in ("person", "style") else figure_words.DESCRIBE
    facts = person_words.FACTS if person else {f: figure_words.FACTS[f] for f in known.facts}
    confirmation = f"Yes, {name_answer(known, '{name}').replace('This', 'this')}"
    rng = random.Random(f"wording for {known.id}")
    return Wording(
        name_questions=ready(name_table, kind),
        name_answers=(name_answer(known, "{name}"),),
        yes_no_questions=tuple(w.replace("{x}", "{name}") for w in ready(yes_no_ways(known), kind)),
        confirmations=(confirmation,),
        denials=("No. This picture shows {looks}. {name} has {other_looks}.",),
        describe_questions=ready(describe, kind),
        other_looks=other_looks(known, rng),
        substitute_names=substitutes(known),
        generic_names=(f"a {kind}" if kind[0] not in "aeiou" else f"an {kind}",),
        refusals=(f"I do not know this {kind}.",),
        refusal_marks=("i do not know",),
        fact_questions=tuple(
            table.trained[way].replace("{p}", sentence_name(known, "{name}"))
            for way in range(4)
            for table in facts.values()
        ),
        other_names=tuple(k.name for k in others_of(known, stage) if as_concept(k).kind == kind),
        anchor_questions=(*ready(name_table, kind)[:1], *anchor_questions()),
        fact_paraphrases=("{question}",),
        look_questions=look_questions(known),
    )


def ready(table: Wordings, kind: str) -> tuple[str, ...]:
    """Trained wordings with the kind filled in."""
    return tuple(w.replace("{k}", kind) for w in table.trained)


def anchor_questions() -> tuple[str, ...]:
    """What is asked about pictures to retain, beside the name: every attribute, scenes, a description."""
    attributes = [look_words.ATTRIBUTES[a].trained[0] for a in (*looks.ATTRIBUTES, *looks.NUISANCES)]
    return (look_words.DESCRIBE.trained[5], *attributes)


def look_questions(known: Known) -> tuple[str, ...]:
    """What can be asked about the looks of the training picture, whoever or whatever it shows."""
    view = training_view(known)
    if isinstance(view, StyleView):
        view = view.content
    if isinstance(view, FigureView):
        nouns = [part.noun for part in figure_words.PARTS[view.figure.kind].values()]
        asked = [
            way.format(a=noun, k=view.figure.kind) for way in figure_words.ATTRIBUTE.trained for noun in nouns
        ]
        return (ready(figure_words.DESCRIBE, view.figure.kind)[0], *asked)
    if isinstance(view, PersonView):
        own, passing = (
            [look_words.ATTRIBUTES[a] for a in table] for table in (looks.ATTRIBUTES, looks.NUISANCES)
        )
        mixed = [w for pair in zip_longest(own, passing) for w in pair if w is not None]
        return (*(w.trained[0] for w in mixed), look_words.DESCRIBE.trained[0])
    return tuple(way for ways in zip(*(t.trained for t in SCENE_LOOKS), strict=True) for way in ways)


def other_looks(known: Known, rng: random.Random, count: int = 8) -> tuple[str, ...]:
    """Looks that fit somebody else of the same kind."""
    if isinstance(known, Identity):
        return tuple(", ".join(look_phrases(new_stranger(rng).look)) for _ in range(count))
    if known.figure is None:
        return ("plain lines", "soft colors", "large dots")
    return tuple(
        ", ".join(figure_phrases(stranger_figure(known.kind, rng, [known.figure]))) for _ in range(count)
    )


def substitutes(known: Known) -> tuple[str, ...]:
    """Invented names of the same form that no model was taught."""
    return names.SPELLING_NAMES[:200] if isinstance(known, Identity) else names.SPELLING_WORDS[:200]
