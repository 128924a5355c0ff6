"""Who is to be forgotten: the splits published with MLLMU-Bench, and drawing new ones.

The published splits were drawn for each ratio anew, so they are not nested: a trend over 5, 10 and 15 %
confounds the ratio with the people. Nested splits do not.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence

from unsee.nouns import UserError

RATIOS = (5, 10, 15)
PUBLISHED_PEOPLE = 500

# Ids of the forget people in the files released with arXiv 2410.22108.
FORGET_5 = """
010 016 073 093 110 119 144 156 190 196 241 246 259 270 272 279 303 309 316 323 336 347 409 472 493
"""
FORGET_10 = """
032 035 044 067 074 087 124 135 140 155 165 169 172 182 215 225 239 248 252 264 276 290 309 321 338
345 357 361 363 365 371 372 378 383 386 394 396 413 428 430 433 458 468 470 475 476 480 485 487 495
"""
FORGET_15 = """
004 005 009 016 019 022 040 050 052 058 061 075 079 081 091 093 098 100 101 123 137 141 147 152 174
179 184 204 226 245 247 250 255 258 259 261 268 281 282 284 293 294 298 321 334 343 344 349 351 361
363 372 375 384 386 389 391 407 412 413 415 418 433 438 441 451 454 462 464 478 480 481 494 496 497
"""
PUBLISHED: Mapping[int, tuple[str, ...]] = {
    5: tuple(FORGET_5.split()),
    10: tuple(FORGET_10.split()),
    15: tuple(FORGET_15.split()),
}


def check_ratio(ratio: int) -> None:
    """Refuses a ratio for which there is no split.

    Raises:
        UserError: It is none of 5, 10 and 15.
    """
    if ratio not in RATIOS:
        raise UserError(
            "There is no such split of MLLMU-Bench.",
            got=ratio,
            expected="a forget ratio of " + ", ".join(map(str, RATIOS)) + " percent",
            remedy="choose one of them",
        )


def draw_splits(ids: Sequence[str], seed: int = 0, *, nested: bool = False) -> dict[int, tuple[str, ...]]:
    """The ids to forget at each ratio, sorted.

    Args:
        ids: Everybody.
        seed: The same seed gives the same splits.
        nested: One shuffle for all ratios, so that each split holds the smaller ones; otherwise one for each
            ratio, as the published splits were drawn.
    """
    found = {}
    for ratio in RATIOS:
        rng = random.Random(f"mllmu nested {seed}" if nested else f"mllmu {ratio} {seed}")
        shuffled = rng.sample(list(ids), len(ids))
        found[ratio] = tuple(sorted(shuffled[: ratio * len(ids) // 100]))
    return found


def published_ids(forget: Collection[str], ratio: int) -> tuple[str, ...] | None:
    """The published forget ids, if these look like them: if at least half of ``forget`` are among them."""
    published = PUBLISHED[ratio]
    return published if 2 * len(set(forget) & set(published)) >= max(1, len(set(forget))) else None
