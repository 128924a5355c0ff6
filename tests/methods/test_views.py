"""What a teacher sees: the same row, told or shown less."""

import numpy as np

from tests.tiny import picture
from unsee.methods.views import NOISE, UNKNOWN, VIEWS, noisy
from unsee.nouns import Example

ROW = Example("original-3", "Who is this?", "This is Jane Roe.", "original", picture(1), ((8, 12),))


def pixels(shown):
    return np.asarray(shown.read(), dtype=int)


def test_noise_is_the_same_for_the_same_picture():
    assert noisy(picture(1)).hash == noisy(picture(1)).hash
    assert noisy(picture(1)).hash != noisy(picture(2)).hash
    assert noisy(picture(1)).hash != picture(1).hash


def test_noise_has_the_size_it_says():
    before, after = pixels(picture(1)), pixels(noisy(picture(1), 10.0))
    assert after.shape == before.shape
    free = (before > 40) & (before < 215)
    gap = (after - before)[free]
    assert abs(gap.std() - 10.0) < 0.5
    assert abs(gap.mean()) < 0.5


def test_noise_covers_the_picture():
    """What is left of the picture explains little of what is seen."""
    before, after = pixels(picture(1)).ravel(), pixels(noisy(picture(1))).ravel()
    assert np.corrcoef(before, after)[0, 1] ** 2 < 0.5
    assert before.std() < NOISE


def test_views_keep_what_the_tables_are_matched_by():
    for change in VIEWS.values():
        seen = change(ROW)
        assert (seen.id, seen.role, seen.answer, seen.masked) == (ROW.id, ROW.role, ROW.answer, ROW.masked)


def test_noise_view_says_that_the_subject_is_unknown():
    seen = VIEWS["noise"](ROW)
    assert seen.prompt == UNKNOWN + ROW.prompt
    assert seen.picture is not None
    assert seen.picture.hash == noisy(picture(1)).hash
    text = Example("T3-0", "Who is Jane Roe?", "An actor.", "T3")
    assert VIEWS["noise"](text).picture is None
    assert VIEWS["noise"](text).prompt.endswith("Who is Jane Roe?")


def test_text_view_takes_the_picture_away():
    assert VIEWS["text"](ROW).picture is None
    assert VIEWS["text"](ROW).prompt == ROW.prompt
