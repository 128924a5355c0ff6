"""How the people of the embedded world look, and in what setting a picture shows them.

A :class:`Look` is who somebody is: seven attributes that a sentence can name, and a geometry that no
sentence names. A :class:`Setting` is everything that changes from picture to picture. Nothing of the
setting depends on the look, so identity cannot be told from it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from unsee.nouns import UserError
from unsee.world.canvas import BACKGROUND_PATTERNS, COLORS, RGB

__all__ = [
    "ATTRIBUTES",
    "COLORS",
    "EYE_COLORS",
    "HAIR_COLORS",
    "NUISANCES",
    "SKIN_COLORS",
    "Geometry",
    "Look",
    "Setting",
    "distance",
    "labels",
    "make_pairs",
    "random_look",
    "random_setting",
    "stranger",
    "visible",
]

SKIN_COLORS: dict[str, RGB] = {
    "pale": (252, 228, 206),
    "tan": (236, 178, 122),
    "olive": (178, 162, 98),
    "brown": (160, 100, 64),
    "dark": (92, 58, 42),
}
HAIR_COLORS: dict[str, RGB] = {
    "black": (22, 20, 24),
    "brown": (122, 70, 32),
    "blond": (238, 205, 95),
    "red": (200, 62, 22),
    "grey": (145, 145, 152),
    "white": (246, 246, 246),
    "blue": (40, 80, 215),
    "green": (40, 155, 70),
}
EYE_COLORS: dict[str, RGB] = {
    "brown": (96, 52, 20),
    "blue": (40, 110, 235),
    "green": (40, 175, 70),
    "grey": (135, 135, 145),
}

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "skin": tuple(SKIN_COLORS),
    "hair_style": ("bald", "short", "long", "curly", "bob", "spiky", "bun", "mohawk"),
    "hair_color": tuple(HAIR_COLORS),
    "eyes": tuple(EYE_COLORS),
    "glasses": ("no glasses", "round glasses", "square glasses", "dark glasses", "a monocle"),
    "beard": ("no beard", "a moustache", "a goatee", "a full beard"),
    "mark": ("no mark", "freckles", "a mole", "a scar", "a tattoo"),
}
NUISANCES: dict[str, tuple[str, ...]] = {
    "expression": ("smiling", "serious", "surprised", "sad"),
    "clothing": tuple(COLORS),
    "background": tuple(COLORS),
    "hat": ("no hat", "a cap"),
}
_CAP_SHARE = 0.25
_ATTEMPTS = 20_000
_CANDIDATES = 7


@dataclass(frozen=True)
class Geometry:
    """Proportions of one face. Factors around 1, except where a comment says otherwise."""

    face_width: float
    face_height: float
    jaw: float  # 0 pointed .. 1 square
    eye_spacing: float
    eye_height: float  # shift in half face heights
    eye_size: float
    nose_length: float
    nose_width: float
    mouth_width: float
    brow_thickness: float
    brow_angle: float  # slope, inner end to outer end
    ear_size: float
    mark_side: float  # negative: on the left of the picture
    mark_height: float  # 0 high on the cheek .. 1 low


_RANGES: dict[str, tuple[float, float]] = {
    "face_width": (0.86, 1.1),
    "face_height": (0.92, 1.08),
    "jaw": (0.0, 1.0),
    "eye_spacing": (0.93, 1.12),
    "eye_height": (-0.04, 0.04),
    "eye_size": (0.92, 1.08),
    "nose_length": (0.75, 1.3),
    "nose_width": (0.7, 1.4),
    "mouth_width": (0.85, 1.2),
    "brow_thickness": (0.8, 1.5),
    "brow_angle": (-0.15, 0.15),
    "ear_size": (0.7, 1.4),
    "mark_side": (-1.0, 1.0),
    "mark_height": (0.0, 1.0),
}


@dataclass(frozen=True)
class Look:
    """Who somebody is, as far as a picture can tell."""

    skin: str
    hair_style: str
    hair_color: str
    eyes: str
    glasses: str
    beard: str
    mark: str
    geometry: Geometry


@dataclass(frozen=True)
class Setting:
    """Everything about one picture of a person that is not the person."""

    expression: str
    clothing: str
    background: str
    hat: str
    hat_color: str
    background_pattern: str
    rotation: float  # degrees
    scale: float
    dx: float  # fractions of the picture
    dy: float
    light: float
    gradient: float  # relative brightness change from the middle to the right border
    noise: float  # grey levels
    yaw: float  # shift of the features, fractions of the half face width
    seed: int


def random_look(rng: random.Random) -> Look:
    """A look drawn from all possible ones."""
    return _look_of([rng.choice(values) for values in ATTRIBUTES.values()], _random_geometry(rng))


def _look_of(values: Sequence[str], geometry: Geometry) -> Look:
    """The look with these values, in the order of ``ATTRIBUTES``."""
    skin, hair_style, hair_color, eyes, glasses, beard, mark = values
    return Look(skin, hair_style, hair_color, eyes, glasses, beard, mark, geometry)


def _random_geometry(rng: random.Random) -> Geometry:
    return Geometry(*(rng.uniform(*_RANGES[field.name]) for field in fields(Geometry)))


def random_setting(rng: random.Random) -> Setting:
    """A setting drawn from all possible ones."""
    return Setting(
        expression=rng.choice(NUISANCES["expression"]),
        clothing=rng.choice(NUISANCES["clothing"]),
        background=rng.choice(NUISANCES["background"]),
        hat="a cap" if rng.random() < _CAP_SHARE else "no hat",
        hat_color=rng.choice(tuple(COLORS)),
        background_pattern=rng.choice(BACKGROUND_PATTERNS),
        rotation=max(-10.0, min(10.0, rng.gauss(0, 4))),
        scale=rng.uniform(0.92, 1.06),
        dx=rng.uniform(-0.06, 0.06),
        dy=rng.uniform(-0.03, 0.04),
        light=rng.uniform(0.88, 1.12),
        gradient=rng.uniform(-0.12, 0.12),
        noise=rng.uniform(0, 6),
        yaw=rng.uniform(-0.1, 0.1),
        seed=rng.randrange(1 << 30),
    )


def labels(look: Look, setting: Setting) -> dict[str, str]:
    """The true value of all eleven attributes; ask :func:`visible` whether the picture shows it."""
    values = {name: str(getattr(look, name)) for name in ATTRIBUTES}
    return values | {name: str(getattr(setting, name)) for name in NUISANCES}


def _shows(look: Look, attribute: str) -> bool:
    if attribute == "eyes":
        return look.glasses != "dark glasses"
    return attribute != "hair_color" or look.hair_style != "bald"


def visible(look: Look, setting: Setting, attribute: str) -> bool:
    """Whether a picture of the look in the setting shows the attribute.

    Eyes cannot be seen behind dark glasses, and a bald head has no hair color (its brows and beard have one
    neutral color). Everything else can be seen in every setting: each hair style looks out from under a cap.
    """
    assert attribute in ATTRIBUTES or attribute in NUISANCES, attribute
    assert setting.hat in NUISANCES["hat"], setting.hat
    return _shows(look, attribute)


def distance(a: Look, b: Look) -> int:
    """Number of attributes (0..7) that differ and that both looks show."""
    return sum(
        getattr(a, name) != getattr(b, name) and _shows(a, name) and _shows(b, name) for name in ATTRIBUTES
    )


def _far_from_all(look: Look, others: Iterable[Look], minimum: int) -> bool:
    return all(distance(look, other) >= minimum for other in others)


def _jittered(rng: random.Random, geometry: Geometry, share: float = 0.15) -> Geometry:
    """A geometry within ``share`` of every range from the given one."""
    values = []
    for (low, high), value in zip(_RANGES.values(), astuple(geometry), strict=True):
        step = share * (high - low)
        values.append(max(low, min(high, value + rng.uniform(-step, step))))
    return Geometry(*values)


def _crowded(count: int, minimum: int) -> UserError:
    return UserError(
        "no further look is different enough from all others",
        got=f"{count} looks, at least {minimum} attributes apart",
        expected="fewer looks or a smaller distance",
        remedy="ask for fewer people",
    )


def make_pairs(n_pairs: int, seed: int, avoid: Sequence[Look] = ()) -> list[Look]:
    """People in look-alike pairs: looks 2k and 2k+1 are 3 apart, all others at least 4.

    Args:
        n_pairs: Number of pairs; twice as many looks are returned.
        seed: Same seed, same looks.
        avoid: Looks from which everybody keeps a distance of at least 4.

    Raises:
        UserError: There is no room for so many.
    """
    rng, table = random.Random(seed), np.indices([len(values) for values in ATTRIBUTES.values()], np.int8)
    table = table.reshape(len(ATTRIBUTES), -1)
    for look in avoid:
        table = table.compress(_distances(table, _codes(look)) >= 4, 1)
    looks: list[Look] = []
    while len(looks) < 2 * n_pairs:
        pair = _choose_pair(rng, table)
        if pair is None:
            raise _crowded(len(avoid) + len(looks), 4)
        for codes in pair:
            table = table.compress(_distances(table, codes) >= 4, 1)
        geometry = _random_geometry(rng)
        looks += [_decoded(pair[0], geometry), _decoded(pair[1], _jittered(rng, geometry))]
    return looks


_Codes = NDArray[np.int8]  # (7, ...): index of each attribute's value
_ROW = {name: i for i, name in enumerate(ATTRIBUTES)}
_BALD = ATTRIBUTES["hair_style"].index("bald")
_DARK = ATTRIBUTES["glasses"].index("dark glasses")


def _codes(look: Look) -> _Codes:
    return np.array([values.index(getattr(look, name)) for name, values in ATTRIBUTES.items()], np.int8)


def _decoded(codes: _Codes, geometry: Geometry) -> Look:
    names = [values[code] for values, code in zip(ATTRIBUTES.values(), codes, strict=True)]
    return _look_of(names, geometry)


def _distances(table: _Codes, codes: _Codes) -> NDArray[np.int8]:
    """:func:`distance` of one look (7,) to every column of a table (7, n)."""
    differs = table != codes[:, None]
    for attribute, condition, value in (("eyes", "glasses", _DARK), ("hair_color", "hair_style", _BALD)):
        hidden = (table[_ROW[condition]] == value) | (codes[_ROW[condition]] == value)
        differs[_ROW[attribute]] &= ~hidden
    result: NDArray[np.int8] = differs.view(np.int8).sum(0, dtype=np.int8)
    return result


def _choose_pair(rng: random.Random, table: _Codes) -> tuple[_Codes, _Codes] | None:
    """Two columns three apart; of a few candidates those that leave most columns at least four from both.

    All candidates for the first look hide the same attributes, else nobody would be bald.
    """
    best, best_left = None, -1
    hides = (table[_ROW["glasses"]] == _DARK) + 2 * (table[_ROW["hair_style"]] == _BALD)
    alike = np.flatnonzero(hides == rng.choice(hides)).tolist() if hides.size else []
    for column in rng.sample(alike, min(_CANDIDATES, len(alike))):
        first = table[:, column]
        to_first = _distances(table, first)
        rest, near = table.compress(to_first >= 4, 1), table.compress(to_first == 3, 1)
        near = near[:, (near != first[:, None]).sum(0) == 3]
        for k in rng.sample(range(near.shape[1]), min(_CANDIDATES, near.shape[1])):
            left = int((_distances(rest, near[:, k]) >= 4).sum())
            if left > best_left:
                best, best_left = (first, near[:, k]), left
    return best


def stranger(rng: random.Random, known: Sequence[Look], minimum: int = 3) -> Look:
    """A look that differs from every known one in at least ``minimum`` visible attributes.

    Raises:
        UserError: No such look was found.
    """
    for _ in range(_ATTEMPTS):
        candidate = random_look(rng)
        if _far_from_all(candidate, known, minimum):
            return candidate
    raise _crowded(len(known), minimum)
