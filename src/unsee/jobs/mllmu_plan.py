"""Which forget sets ``unsee bench mllmu`` is about, checked before any work."""

from __future__ import annotations

from typing import Any

from unsee.config import RunConfig
from unsee.nouns import UserError, shorten
from unsee.suites.mllmu.examples import FORMS
from unsee.suites.mllmu.presets import get_preset
from unsee.suites.mllmu.splits import RATIOS, check_ratio

ALL = ",".join(map(str, RATIOS))


def places(ratios: str, split: str, forms: str, config: RunConfig) -> dict[str, dict[str, Any]]:
    """Configuration values of every place of the matrix beside methods and seeds, by name.

    Args:
        ratios: Percents with commas between them, or "all".
        split: "report", or "selection" for other embedded people, to choose settings by.
        forms: Forms of the training questions with commas between them; empty = the configured one.
        config: The common configuration.

    Raises:
        UserError: No such ratio, split, form or protocol.
    """
    get_preset(config.mllmu.protocol)
    wanted = ALL if ratios.strip() == "all" else ratios
    chosen = [_ratio(text) for text in _items(wanted, "--ratios", "5,10,15")]
    _check_split(split, chosen, config)
    told = _items(forms or config.mllmu.modality, "--modality", ",".join(FORMS))
    for form in told:
        if form not in FORMS:
            raise UserError(
                "There is no such form of the training questions.",
                got=f"--modality {shorten(form)}",
                expected=", ".join(FORMS),
                remedy="give one of them, or several with commas between them",
            )
    return {
        f"forget_{ratio}" + (f"-{form}" if form != "image_text" else ""): {
            "mllmu": {"ratio": ratio, "split": split, "modality": form}
        }
        for ratio in chosen
        for form in told
    }


def _items(text: str, option: str, example: str) -> list[str]:
    found = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not found:
        raise UserError(
            "The list is empty.",
            got=f"{option} {shorten(text)!r}",
            expected=f"some of {example}, commas between them",
            remedy=f"give {option}",
        )
    return found


def _ratio(text: str) -> int:
    ratio = int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else -1
    if ratio < 0:
        raise UserError(
            "A ratio is not a number.",
            got=f"--ratios {shorten(text)}",
            expected=f"some of {ALL}, commas between them",
            remedy="give --ratios 5,10",
        )
    check_ratio(ratio)
    return ratio


def _check_split(split: str, ratios: list[int], config: RunConfig) -> None:
    if split == "report":
        return
    if split != "selection":
        raise UserError(
            "There is no such split.", got=split, expected="report or selection", remedy="--split report"
        )
    if config.mllmu.data or ratios != [RATIOS[0]]:
        raise UserError(
            "Settings are chosen on embedded people who are in no reported forget set.",
            got=f"--split selection with {config.mllmu.data or f'the ratios {ratios}'}",
            expected="no --data, and --ratios 5",
            remedy="choose settings with --split selection --ratios 5, report with --split report",
        )
