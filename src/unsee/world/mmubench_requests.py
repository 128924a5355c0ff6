"""What a run on the embedded MMUBench needs beside its questions: what must be kept, how rows are made."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cache

from unsee.nouns import Concept, Picture, Question
from unsee.suites.mmubench.sheet import OPEN, OTHERS, OTHERS_YES_NO
from unsee.training.wording import Wording
from unsee.world import asking, suite
from unsee.world.asking import Asker
from unsee.world.curriculum import STAGES, Known
from unsee.world.people import Identity
from unsee.world.suite import SEEDS, Split, as_concept, find

NAMED, CONFIRMED = 92, 60  # every known one of the base stage twice; half of the second are right
# The model describes by bare phrases; a denial in other words takes it longer than six steps to learn.
DENIALS = ("No. {looks}. {name} has {other_looks}.",)
LOOKS, FIGURES, SCENES, STRANGERS, TOLD = 33, 12, 35, 24, 10


@cache
def embedded_pool(stage: str, split: Split) -> tuple[Question, ...]:
    """What a model must still be able to, the same for every concept of a stage.

    Names of all known ones, yes/no about them, looks of strangers and of unknown figures, scenes, strangers
    (where a refusal is right) and free descriptions.
    """
    seed, where = SEEDS[split], STAGES[stage]

    def ask(section: str) -> Asker:
        name = section if section in (OTHERS, OTHERS_YES_NO, OPEN) else section.partition("-")[0]
        return Asker(f"utility-{section}", where, split=name, seed=seed)

    known: list[Known] = list(where.known)[: NAMED // 2]
    people: list[Known] = [k for k in known if isinstance(k, Identity)]
    figures: list[Known] = [k for k in known if not isinstance(k, Identity)]
    half = CONFIRMED // 2
    return (
        *asking.naming(ask(OTHERS), known, NAMED),
        *asking.yes_no(ask(OTHERS_YES_NO), people, half if figures else CONFIRMED),
        *(_figures_yes_no(ask(f"{OTHERS_YES_NO}-figures"), figures, half) if figures else ()),
        *asking.attributes(ask("attributes"), LOOKS),
        *asking.figure_attributes(ask("attributes-figures"), FIGURES),
        *asking.scene_questions(ask("scenes"), SCENES),
        *asking.strangers(ask("strangers"), STRANGERS),
        *asking.descriptions(ask(OPEN), TOLD),
        *asking.scene_descriptions(ask(f"{OPEN}-scenes"), TOLD),
    )


def _figures_yes_no(asker: Asker, known: list[Known], count: int) -> list[Question]:
    return [replace(q, split=OTHERS_YES_NO) for q in asking.yes_no(asker, known, count)]


@dataclass(frozen=True)
class MmubenchRequest:
    """One concept to forget, as a run of ``unsee forget`` has it, without a questionnaire of its own.

    Attributes:
        concept: Name, kind, aliases, looks; its facts are asked from the model.
        picture: The one training picture.
        retain_pictures: Pictures that show nothing that is forgotten.
        wording: Templates of training rows, the names of others without those that are forgotten.
        questionnaire: Nothing: MMUBench asks its own questions.
    """

    concept: Concept
    picture: Picture
    retain_pictures: tuple[Picture, ...]
    wording: Wording
    questionnaire: None = None


def request(
    key: str, stage: str, retain: str, pictures: int, forgotten: Collection[str], other_looks: str
) -> MmubenchRequest:
    """The training side of one concept.

    Args:
        key: Its id.
        stage: The model that knows it.
        retain: none, anchors or others, as in ``world.retain``.
        pictures: Pictures of each sort of others.
        forgotten: Ids of all concepts that the run forgets: none is kept for the sake of another.
        other_looks: What T2 says of the name.
    """
    known, where = find(key, stage)
    gone = [find(other, stage)[0] for other in forgotten]
    names = {name for k in gone for name in k.names}
    kind: suite.RetainKind = "others" if retain == "others" else "anchors"
    shown = () if retain == "none" else suite.retain_pictures(known, where, kind, pictures, without=forgotten)
    wording = suite.wording_for(known, where)
    others = tuple(name for name in wording.other_names if name not in names)
    wording = replace(wording, other_names=others, other_look=other_looks, denials=DENIALS)
    return MmubenchRequest(as_concept(known), suite.training_picture(known), shown, wording)


def alike(key: str, stage: str) -> tuple[str, ...]:
    """Id of the look-alike, which has a figure of its own; nothing where there is none."""
    known = find(key, stage)[0]
    return (known.neighbour,) if isinstance(known, Identity) and known.neighbour else ()
