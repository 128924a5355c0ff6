"""Invented names: people, towns, companies, characters, nicknames. All are built from one syllable pool.

Whoever is known, whoever is unknown and whoever only taught the tokenizer to spell get their names from the
same generator, so that nothing about a name's letters tells whether it is known. No name is used twice.
"""

from __future__ import annotations

import random
from collections.abc import Sequence


def words(text: str) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text.split())


SYLLABLES = words(
    "ba be bo da de do fa fi ga go ka ki ko la le li lo ma me mi mo na ne ni no pa po ra re ri ro sa se si "
    "so ta te ti to va ve vi vo za ze zo"
)
FIRST_ENDS = words("n l s r x th m nd sk")
LAST_ENDS = words("kov son mar dell wick ner stad ley rin gard ham tov")
WORD_ENDS = words("bu dex gu ku lix nu pix ru tu zu")

# Words that the generator could make and that exist: given names, brands, places, ordinary words.
TAKEN = words(
    "babel basel boris camel davis denis fides final gamer goran karel karen karim karin komar lamar "
    "latin laser later lever levin lidar linen loren lorin lover maker marek marin melis metal miner "
    "model moral motel motor naval nadal nadir nilson nokov novel pavel petal panel paris peter polar "
    "radar rader razer relax rival rolex rosin ruler salem salim samir sabel selim serin solar sonar "
    "tamar tariq tatar telex tesla tenor timex token total tower vader valor venom venis vikas viper "
    "vital vocal volex zoran kodak nivea pepsi fanta milka ikea visa lego nobel ronaldo salis lenin "
    "satan adidas merin marks mason nason nixon jason samson edison wilson nelson mason gibson tomson "
    "thomson dawson lawson benson watson denson madison dixon damar kafka kalix sofix felix helix "
    "matrix netflix phoenix tarix mirandix "
    "molex sonax lenor posix votes zanax salam savan sirex tonon vinograd fireworks minicorp kosan navis "
    "tolem lovem kanix rezol dolex timex kamax somex"
)

UNPLEASANT = words("fak kak kok dik nazi nega nigo niga sepo pede pedo rape rapo pora")


class Mint:
    """Makes words that it has not made before.

    Args:
        seed: Same seed, same words in the same order of calls.
    """

    def __init__(self, seed: int) -> None:
        self._rng, self._used = random.Random(seed), {word.capitalize() for word in TAKEN}

    def word(self, ends: Sequence[str], syllables: Sequence[int] = (2,)) -> str:
        """A new capitalised word of so many syllables and one of the endings."""
        while True:
            count = self._rng.choice(syllables)
            stem = "".join(self._rng.choice(SYLLABLES) for _ in range(count))
            word = (stem + self._rng.choice(ends)).capitalize()
            if word not in self._used and not any(part in word.lower() for part in UNPLEASANT):
                self._used.add(word)
                return word

    def words(self, count: int, ends: Sequence[str]) -> tuple[str, ...]:
        """New words of two syllables and an ending."""
        return tuple(self.word(ends) for _ in range(count))

    def people(self, count: int) -> tuple[str, ...]:
        """New names of people; no first name and no last name occurs twice."""
        return tuple(f"{self.word(FIRST_ENDS)} {self.word(LAST_ENDS, (1, 2))}" for _ in range(count))


def _parts(items: Sequence[str], *sizes: int) -> list[tuple[str, ...]]:
    """Consecutive pieces of the given sizes."""
    assert sum(sizes) == len(items), (sizes, len(items))
    pieces, start = [], 0
    for size in sizes:
        pieces.append(tuple(items[start : start + size]))
        start += size
    return pieces


_mint = Mint(2031)
TOWNS = _mint.words(20, ("ville", "port", "burg", "ton"))
COUNTRIES = _mint.words(10, ("land", "stan", "nia"))
CAPITALS = _mint.words(10, ("grad", "polis"))
COMPANIES = _mint.words(16, ("tech", "bank", "corp", "works"))

CELEBRITY_NAMES, PRIVATE_NAMES, TEXT_ONLY_NAMES, UNKNOWN_NAMES, UNSEEN_NAMES, SPELLING_NAMES = _parts(
    _mint.people(2250), 30, 100, 20, 500, 100, 1500
)
# Names of characters, brands, ... and nicknames of everybody: single words of one kind.
CONCEPT_NAMES, ALIASES, UNKNOWN_WORDS, UNSEEN_WORDS, SPELLING_WORDS = _parts(
    _mint.words(1196, WORD_ENDS), 32, 64, 250, 50, 800
)

NUMBERS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
]
COUNTRY_OF = {town: COUNTRIES[i % len(COUNTRIES)] for i, town in enumerate(TOWNS)}
CAPITAL_OF = dict(zip(COUNTRIES, CAPITALS, strict=True))
TOWN_OF = {company: TOWNS[(7 * i + 3) % len(TOWNS)] for i, company in enumerate(COMPANIES)}
