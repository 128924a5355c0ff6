"""Which vocabulary ids the vocabulary mask K_V of SIU removes for a concept's names.

A name has no ids of its own: it is spelled with pieces that other words share, and its first piece depends on
what stands before it. So every name and alias is tokenised bare and after a space, as written and in lower,
upper and title case, and a mode decides which of the pieces count:

``official``     the pieces of each name after a space, as written: what the released code of SIU
                 (arXiv 2405.12523) does for its one name.
``all_pieces``   every piece of every spelling of the names and of their words.
``first_piece``  (default) the first piece of each word of each spelling, common words left out: enough to
                 keep a word from being begun, and spares the pieces that end other words. Other cases than
                 the written one count only where they begin with more than one letter.
``prefix_aware`` the first piece of each whole name only: its later words are reached through it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from unsee.training.texts import fold

NameMode = Literal["official", "all_pieces", "first_piece", "prefix_aware"]

MANY = 64  # ids; more are warned about
COMMON_RANK = (
    1000  # BPE and SentencePiece number their merges by frequency; ids are compared with this rank ...
)
LARGE_VOCABULARY = 10_000  # ... in vocabularies of at least this size
TINY_PIECE = 2  # letters
_COMMON = """
a about after again all also always am an and any are as at back be because been before being between
big black blue boy but by call came can city come could country da day de del der di did different do
does down each east el end even every eye face family far few find first for found friend from game get
girl give go god gold good great green group had hair hand has have he hello help her here high hill him
his home house how i if in into is it it's its just key king kitty know la large last le left life light
like line little live long look love made make man many may me mean men might more most mother mr mrs
much must my name never new next night no north not now number of off old on one only or other our out
over own paper part people picture place plant point queen red right river rock rose run said same saw
say school sea see she should show side sky small so some song south star still stone stop story such
sun take tell than that the their them then there these they thing think this those thought three
through time to too tree true two under up us use van very von wall want was water way we well went were
west what when where which while white who why wide will with woman wood word work world would year yes
you young your
"""
COMMON_WORDS = frozenset(_COMMON.split())


class NameIds(NamedTuple):
    """Ids of a concept's names, and what the user should know about them."""

    ids: frozenset[int]
    warnings: tuple[str, ...]


def name_ids(tokenizer: Any, names: Sequence[str], mode: NameMode = "first_piece") -> NameIds:
    """The ids that the vocabulary mask removes.

    Args:
        tokenizer: A transformers tokenizer.
        names: The concept's name and aliases.
        mode: See the module.

    Returns:
        The ids, and warnings: common words among the names, ids that are frequent or tiny pieces (they occur
        in many other words, which are then suppressed too), very many ids.
    """
    words = [word for name in names for word in name.split()]
    common = _firsts(tokenizer, [word for word in words if fold(word) in COMMON_WORDS], every_case=True)
    ids = _ids(tokenizer, names, mode)
    if mode == "first_piece" and ids - common:
        ids -= common
    warnings = [*_word_warnings(words, bool(ids & common)), *_piece_warnings(tokenizer, ids)]
    return NameIds(frozenset(ids), tuple(warnings))


def banned_ids(tokenizer: Any, mode: NameMode = "first_piece") -> Callable[[tuple[str, ...]], frozenset[int]]:
    """Names -> ids, as ``packs.rows.make_rows`` wants it; every list of names is tokenised once."""
    known: dict[tuple[str, ...], frozenset[int]] = {}

    def banned(names: tuple[str, ...]) -> frozenset[int]:
        if names not in known:
            known[names] = name_ids(tokenizer, names, mode).ids
        return known[names]

    return banned


def _ids(tokenizer: Any, names: Sequence[str], mode: NameMode) -> set[int]:
    if mode == "official":
        return {i for name in names for i in _encode(tokenizer, name, after_space=True)}
    if mode == "all_pieces":
        return {
            i
            for part in (*names, *(word for name in names for word in name.split()))
            for spelling in _cases(part)
            for after_space in (False, True)
            for i in _encode(tokenizer, spelling, after_space=after_space)
        }
    parts = list(names) if mode == "prefix_aware" else [word for name in names for word in name.split()]
    return _firsts(tokenizer, parts)


def _firsts(tokenizer: Any, parts: Sequence[str], *, every_case: bool = False) -> set[int]:
    """First pieces of the parts; of other cases than the written one only those of two letters or more."""
    found = set()
    for part in parts:
        for spelling in _cases(part):
            for after_space in (False, True):
                for i in _encode(tokenizer, spelling, after_space=after_space)[:1]:
                    if spelling == part or every_case or len(_piece(tokenizer, i)) > 1:
                        found.add(i)
    return found


def _cases(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((text, text.lower(), text.upper(), text.title())))


def _encode(tokenizer: Any, text: str, *, after_space: bool) -> list[int]:
    """Ids of a text at the start of a line or after a space, without ids that are nothing but white space.

    SentencePiece tokenizers put a space before any text, so the bare spelling is read off after a line break.
    """
    before = "a" if after_space else "\n"
    text = f" {text}" if after_space else text
    prefix = tokenizer.encode(before, add_special_tokens=False)
    whole = tokenizer.encode(before + text, add_special_tokens=False)
    shared = 0
    while shared < min(len(prefix), len(whole)) and prefix[shared] == whole[shared]:
        shared += 1
    return [i for i in whole[shared:] if _piece(tokenizer, i)]


def _piece(tokenizer: Any, i: int) -> str:
    """The letters of a piece, without the sign of a leading space."""
    return str(tokenizer.decode([i])).strip(" \n\t▁Ġ")


def _word_warnings(words: Sequence[str], masked: bool) -> list[str]:
    common = [word for word in words if fold(word) in COMMON_WORDS]
    if not common:
        return []
    listed = ", ".join(dict.fromkeys(common))
    effect = "are masked, which suppresses these words wherever the mask acts" if masked else "are not masked"
    return [f"The name holds common words ({listed}); they {effect}."]


def _piece_warnings(tokenizer: Any, ids: set[int]) -> list[str]:
    warnings = []
    tiny = sorted(_piece(tokenizer, i) for i in ids if len(_piece(tokenizer, i)) <= TINY_PIECE)
    if tiny:
        listed = ", ".join(repr(piece) for piece in dict.fromkeys(tiny))
        warnings.append(f"Short pieces of the name are masked and also begin other words: {listed}.")
    if len(tokenizer) >= LARGE_VOCABULARY:
        frequent = sorted(_piece(tokenizer, i) for i in ids if i < COMMON_RANK)
        if frequent:
            listed = ", ".join(repr(piece) for piece in dict.fromkeys(frequent))
            warnings.append(f"Masked pieces are among the tokenizer's most frequent ones: {listed}.")
    if len(ids) > MANY:
        warnings.append(
            f"The vocabulary mask removes {len(ids)} ids; name fewer aliases or use prefix_aware."
        )
    return warnings
