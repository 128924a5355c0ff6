"""ROUGE and BLEU of the release: equal to rouge-score and nltk, and to values worked by hand."""

from __future__ import annotations

import math
import random

import pytest

from unsee.metrics.overlap import rouge_l
from unsee.metrics.released_overlap import bleu, released_rouge

TRUTH = "This person works as a marine biologist in Oslo."
REPLIES = (
    TRUTH,
    "This person works as a marine biologist.",
    "She is a biologist",
    "Oslo.",
    "",
    "nothing of it",
    "person This as works a a a a marine",
    TRUTH + " He also likes to cook and to swim in cold water every day of the week.",
)


def test_bleu_by_hand() -> None:
    assert bleu("a b c d", "a b c d") == 1.0
    assert bleu("", "a b c d") == 0.0
    assert bleu("x y z", "a b c d") == 0.0
    # 1-grams 2/3, 2-grams 1/2, 3-grams 0 of 1 and 4-grams 0 of 0 count 0.1/1; brevity exp(1 - 4/3).
    wanted = math.exp(1 - 4 / 3) * (2 / 3 * 1 / 2 * 0.1 * 0.1) ** 0.25
    assert bleu("a b x", "a b c d") == pytest.approx(wanted)
    # Clipped: "a" counts once of 4; no brevity penalty for the longer reply.
    assert bleu("a a a a", "a b c") == pytest.approx((1 / 4 * 0.1 / 3 * 0.1 / 2 * 0.1 / 1) ** 0.25)


def test_bleu_equals_nltk() -> None:
    translate = pytest.importorskip("nltk.translate.bleu_score")
    method = translate.SmoothingFunction().method1
    rng = random.Random(0)
    made = [" ".join(rng.choices("abcde", k=rng.randrange(1, 12))) for _ in range(60)]
    for reply, truth in [*((r, TRUTH) for r in REPLIES), *zip(made[::2], made[1::2], strict=True)]:
        theirs = translate.sentence_bleu([truth.split()], reply.split(), smoothing_function=method)
        assert bleu(reply, truth) == pytest.approx(theirs, abs=1e-12), (reply, truth)


def test_rouge_equals_rouge_score() -> None:
    scorer = pytest.importorskip("rouge_score.rouge_scorer")
    theirs = scorer.RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
    for reply in REPLIES:
        wanted = {name: found.fmeasure for name, found in theirs.score(TRUTH, reply).items()}
        assert released_rouge(reply, TRUTH) == wanted


def test_rouge_by_hand() -> None:
    # "works" and "working" have one stem; 2 of 3 words said, 2 of 4 wanted.
    assert released_rouge("she working there", "he works there daily")["rouge1"] == pytest.approx(4 / 7)
    # The right answer with a tail: 4 words of 4 wanted, 12 said.
    assert released_rouge("a b c d e f g h i j k l", "a b c d")["rougeL"] == pytest.approx(0.5)


def test_the_released_tokeniser_drops_letters_and_ours_does_not() -> None:
    assert released_rouge("Jos and", "José Ñandú")["rougeL"] == 1.0
    ours = rouge_l("Jos and", "José Ñandú")
    same = rouge_l("José Ñandú", "José Ñandú")
    assert ours is not None
    assert same is not None
    assert (ours.f1, same.f1) == (0.0, 1.0)
