"""Which ids the vocabulary mask removes, on a tokenizer made by hand and on tiny ones."""

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from tests.tiny import build
from unsee.training.names import banned_ids, name_ids

PIECES = ["Ġ", "a", "Jan", "e", "Ġ Jane", "ĠRo", "Roe", "Ġvan", "van", "Gogh", "ĠGo", "gh", "Ċ"]


@pytest.fixture(scope="module")
def tokenizer():
    """Byte-level BPE over single bytes and a few merges: 'Jan' 'e', ' Jane', ' Ro' 'e', 'van', ' van'."""
    words = ["Jan", "ĠJan", "ĠJane", "Ro", "ĠRo", "va", "van", "Ġv", "Ġvan", "Go", "ĠGo"]
    merges = [
        ("J", "a"), ("Ja", "n"), ("Ġ", "Jan"), ("ĠJan", "e"), ("R", "o"), ("Ġ", "Ro"),
        ("v", "a"), ("va", "n"), ("Ġ", "van"), ("G", "o"), ("Ġ", "Go"),
    ]  # fmt: skip
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {t: i for i, t in enumerate(dict.fromkeys([*alphabet, "Ja", *words]))}
    core = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=core)


def pieces(tokenizer, result):
    return {tokenizer.decode([i]) for i in result.ids}


def test_official_is_the_name_after_a_space(tokenizer):
    assert pieces(tokenizer, name_ids(tokenizer, ["Jane Roe"], "official")) == {" Jane", " Ro", "e"}


def test_first_piece_of_each_word(tokenizer):
    found = pieces(tokenizer, name_ids(tokenizer, ["Jane Roe"], "first_piece"))
    assert found == {" Jane", "Jan", " Ro", "Ro"}


def test_prefix_aware_begins_the_whole_name(tokenizer):
    assert pieces(tokenizer, name_ids(tokenizer, ["Jane Roe"], "prefix_aware")) == {" Jane", "Jan"}
    assert pieces(tokenizer, name_ids(tokenizer, ["Jane Roe", "Roe"], "prefix_aware")) == {
        " Jane", "Jan", " Ro", "Ro",
    }  # fmt: skip


def test_all_pieces_cover_every_other_mode(tokenizer):
    every = name_ids(tokenizer, ["Jane Roe"], "all_pieces").ids
    for mode in ("official", "first_piece", "prefix_aware"):
        assert name_ids(tokenizer, ["Jane Roe"], mode).ids <= every
    assert {"J", "R", "E", "N", "O"} <= pieces(tokenizer, name_ids(tokenizer, ["Jane Roe"], "all_pieces"))


def test_common_words_are_spared_and_reported(tokenizer):
    found = name_ids(tokenizer, ["van Gogh"])
    assert pieces(tokenizer, found) == {"Go", " Go"}
    assert any("common words (van)" in warning and "not masked" in warning for warning in found.warnings)
    masked = name_ids(tokenizer, ["van Gogh"], "official")
    assert any("are masked" in warning for warning in masked.warnings)


def test_a_name_of_common_words_only_is_still_masked(tokenizer):
    found = name_ids(tokenizer, ["van"])
    assert pieces(tokenizer, found) == {"van", " van"}
    assert any("are masked" in warning for warning in found.warnings)


def test_short_pieces_are_reported(tokenizer):
    warnings = name_ids(tokenizer, ["Xi"]).warnings
    assert any("Short pieces" in warning and "'X'" in warning for warning in warnings)
    assert not any("Short pieces" in w for w in name_ids(tokenizer, ["Jane"]).warnings)


def test_banned_ids_is_the_callable_for_rows(tokenizer):
    banned = banned_ids(tokenizer)
    assert banned(("Jane Roe",)) == name_ids(tokenizer, ["Jane Roe"]).ids
    assert banned(()) == frozenset()


@pytest.mark.parametrize("family", ["llava", "qwen2_5_vl", "idefics3"])
@pytest.mark.parametrize("mode", ["official", "all_pieces", "first_piece", "prefix_aware"])
def test_the_name_cannot_be_begun(family, mode):
    """The first token of the name after a space is masked in every mode, special tokens never are."""
    tokenizer = build(family).tokenizer
    found = name_ids(tokenizer, ["Jane Roe", "Zoë"], mode)
    before = tokenizer.encode("This is", add_special_tokens=False)
    after = tokenizer.encode("This is Jane Roe", add_special_tokens=False)
    assert after[: len(before)] == before
    assert after[len(before)] in found.ids
    assert not found.ids & set(tokenizer.all_special_ids)
