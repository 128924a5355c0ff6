"""MLLMU-Bench (arXiv 2410.22108) of the embedded world: a hundred private people and thirty celebrities.

The same four sets, tasks and files as the published benchmark. The shipped ``target`` knows the private
people and ``base`` does not; both know the celebrities. Pictures and questions are made from the world and
are always the same. Celebrities come as thumbnails: in the published data, too, sets differ in resolution.
"""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache
from pathlib import Path

from PIL import Image

from unsee.models.pictures import from_image
from unsee.nouns import Picture
from unsee.suites.mllmu.checks import notes_on
from unsee.suites.mllmu.data import Mllmu, Person
from unsee.suites.mllmu.splits import check_ratio, draw_splits
from unsee.suites.mllmu.write import write_files
from unsee.training.wording import Wording
from unsee.world import looks, portraits
from unsee.world.build import PICTURE_SIZE
from unsee.world.curriculum import STAGES
from unsee.world.looks import Look, Setting
from unsee.world.mllmu_asking import appearance_of, biography_of, tasks_of, training_pairs
from unsee.world.people import CELEBRITIES, PRIVATE, Identity
from unsee.world.suite import retain_pictures, wording_for
from unsee.world.talk.person import PersonView

THUMBNAIL = 48  # side of a celebrity's picture in pixels
NOISE = 20.0  # grey levels; pictures of training have at most 6
TURN = 14.0  # degrees; pictures of training are turned by at most 10
REVISION = "embedded-1"  # raised whenever a picture, a question or a split of these data changes
SELECTION_SEED = 3  # its 5 % are in no forget set of seed 0, at any ratio
FIRST_CELEBRITY = 501  # ids of celebrities follow those of the published fictitious people
NAMES = tuple(p.name for p in (*CELEBRITIES, *PRIVATE))


def embedded_mllmu(ratio: int = 5, *, nested: bool = False, seed: int = 0) -> Mllmu:
    """The embedded benchmark at one ratio.

    Args:
        ratio: Percent of the hundred people in the forget set: 5, 10 or 15.
        nested: Whether the forget set of 5 % is part of that of 10 %, and so on; the published ones are not.
        seed: Of the splits; people, pictures and questions are always the same.

    Raises:
        UserError: There is no split of this ratio.
    """
    check_ratio(ratio)
    people = everybody()
    chosen = frozenset(draw_splits([p.id for p in people], seed, nested=nested)[ratio])
    made = Mllmu(
        forget=tuple(p for p in people if p.id in chosen),
        test=tuple(_tested(i) for i, p in enumerate(people) if p.id in chosen),
        retain=tuple(p for p in people if p.id not in chosen),
        real=celebrities(),
        full=people,
        ratio=ratio,
        revision=f"{REVISION} {'nested' if nested else 'independent'} {seed}",
    )
    return replace(made, notes=notes_on(made))


def forget_identities(ratio: int, *, nested: bool = False, seed: int = 0) -> tuple[str, ...]:
    """Ids of the world's people who are to be forgotten at a ratio, such as "private-017".

    Raises:
        UserError: There is no split of this ratio.
    """
    check_ratio(ratio)
    identities = {person.id: identity.id for person, identity in zip(everybody(), PRIVATE, strict=True)}
    return tuple(identities[key] for key in draw_splits(list(identities), seed, nested=nested)[ratio])


def wording_of(key: str) -> Wording:
    """How training rows about one of the hundred people, such as "017", are worded."""
    return wording_for(PRIVATE[int(key) - 1], STAGES["target"])


def stranger_pictures(key: str, count: int) -> tuple[Picture, ...]:
    """Pictures of strangers and scenes, the same each time for one of the hundred people."""
    return retain_pictures(PRIVATE[int(key) - 1], STAGES["target"], "anchors", count)


def export(folder: Path, *, nested: bool = False, seed: int = 0) -> tuple[Path, ...]:
    """Writes the embedded benchmark in the published schema; returns the files.

    Args:
        folder: Where to; made if it does not exist, and refused if it holds anything.
        nested: See :func:`embedded_mllmu`.
        seed: See :func:`embedded_mllmu`.

    Raises:
        UserError: The folder is not empty.
    """
    people = everybody()
    splits = draw_splits([p.id for p in people], seed, nested=nested)
    return write_files(folder, full=people, test=altered(), real=celebrities(), splits=splits)


@cache
def everybody() -> tuple[Person, ...]:
    """The hundred fictitious people, ids "001" to "100"."""
    return tuple(_asked(identity, f"{i:03d}", PICTURE_SIZE) for i, identity in enumerate(PRIVATE, start=1))


def altered() -> tuple[Person, ...]:
    """The same hundred in altered pictures and with reworded questions."""
    return tuple(_tested(i) for i in range(len(PRIVATE)))


@cache
def celebrities() -> tuple[Person, ...]:
    """The thirty celebrities on small pictures; without training pairs, as no fine-tuning shows them."""
    made = [_asked(c, str(i), THUMBNAIL) for i, c in enumerate(CELEBRITIES, start=FIRST_CELEBRITY)]
    return tuple(replace(person, training=()) for person in made)


def _asked(identity: Identity, key: str, size: int) -> Person:
    setting = _setting(identity, "picture")
    appearance = appearance_of(PersonView(identity, _look(identity), setting), NAMES)
    return Person(
        id=key,
        name=identity.name,
        pictures=(_picture(identity, setting, size, f"{key}.png"),),
        image_text=tasks_of(identity, "this person", "asked"),
        text=tasks_of(identity, identity.name, "asked"),
        training=training_pairs(identity),
        biography=biography_of(identity, appearance),
        appearance=appearance,
    )


@cache
def _tested(index: int) -> Person:
    """A person of the test set: two new poses, the picture under noise, and reworded questions."""
    identity, key = PRIVATE[index], f"{index + 1:03d}"
    altered: dict[str, Setting] = {
        f"{key}_pose1_gen1.png": _setting(identity, "pose1"),
        f"{key}_pose2_gen1.png": _turned(_setting(identity, "pose2")),
        f"{key}_noise.png": replace(_setting(identity, "picture"), noise=NOISE),
    }
    return Person(
        id=key,
        name=identity.name,
        pictures=tuple(_picture(identity, s, PICTURE_SIZE, name) for name, s in altered.items()),
        image_text=tasks_of(identity, "this person", "reworded"),
        text=tasks_of(identity, identity.name, "reworded"),
    )


def _turned(setting: Setting) -> Setting:
    return replace(setting, rotation=TURN if setting.rotation > 0 else -TURN)


def _setting(identity: Identity, which: str) -> Setting:
    return looks.random_setting(random.Random(f"mllmu {which} {identity.id}"))


def _look(identity: Identity) -> Look:
    assert identity.look is not None, identity.id
    return identity.look


def _picture(identity: Identity, setting: Setting, size: int, name: str) -> Picture:
    drawn = Image.fromarray(portraits.draw_person(_look(identity), setting, size))
    return replace(from_image(drawn), path=name)
