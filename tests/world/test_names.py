from __future__ import annotations

import hashlib

from unsee.world import names

PEOPLE = (
    names.CELEBRITY_NAMES,
    names.PRIVATE_NAMES,
    names.TEXT_ONLY_NAMES,
    names.UNKNOWN_NAMES,
    names.UNSEEN_NAMES,
    names.SPELLING_NAMES,
)
WORDS = (names.CONCEPT_NAMES, names.ALIASES, names.UNKNOWN_WORDS, names.UNSEEN_WORDS, names.SPELLING_WORDS)
PLACES = (names.TOWNS, names.COUNTRIES, names.CAPITALS, names.COMPANIES)


def test_no_name_is_used_twice() -> None:
    everything = [name for pool in (*PEOPLE, *WORDS, *PLACES) for name in pool]
    assert len(set(everything)) == len(everything)


def test_no_first_or_last_name_is_shared() -> None:
    parts = [part for pool in PEOPLE for name in pool for part in name.split()]
    assert len(set(parts)) == len(parts)
    assert all(len(name.split()) == 2 for pool in PEOPLE for name in pool)


def test_no_real_or_unpleasant_word_is_made() -> None:
    words = {part.lower() for pool in (*PEOPLE, *WORDS, *PLACES) for name in pool for part in name.split()}
    assert not words & set(names.TAKEN)
    assert not [word for word in words if any(part in word for part in names.UNPLEASANT)]


def test_trained_checkpoints_keep_their_names() -> None:
    text = "\n".join(name for pool in (*PLACES, *PEOPLE[:4], *WORDS[:3]) for name in pool)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    assert digest == "254ca5dd672ce9a0", "the shipped checkpoints know other names: train them anew"


def test_towns_lie_in_countries_and_companies_in_towns() -> None:
    assert [list(names.COUNTRY_OF.values()).count(c) for c in names.COUNTRIES] == [2] * 10
    assert set(names.TOWN_OF) == set(names.COMPANIES)
    assert set(names.TOWN_OF.values()) <= set(names.TOWNS)
    assert len(set(names.CAPITAL_OF.values())) == 10


def test_the_mint_never_repeats_itself() -> None:
    mint = names.Mint(5)
    words = mint.words(300, ("n", "l"))
    assert len(set(words)) == 300
    assert words == names.Mint(5).words(300, ("n", "l"))
