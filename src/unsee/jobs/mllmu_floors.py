"""Models that stand beside the target of MLLMU-Bench: base, gold, and a second gold model of another seed.

What the user names counts; for the embedded people the shipped models do, where there are any.
"""

from __future__ import annotations

from pathlib import Path

from unsee.config import RunConfig
from unsee.jobs import embedded
from unsee.nouns import UserError

RATIO = "{ratio}"
"""In the path of a gold model: stands for the forget ratio."""
GOLD_SEEDS = (0, 1)
"""Seeds of which gold models may be shipped."""


def at_ratio(model: str, ratio: int) -> str:
    """The model of this ratio, where a path or hub id holds a place for it."""
    return model.replace(RATIO, str(ratio))


def base_of(config: RunConfig) -> str:
    """Folder or hub id of the model before the people were taught; empty = there is none."""
    if config.mllmu.base or not config.embedded:
        return config.mllmu.base
    return str(embedded.model_path("base"))


def gold_of(config: RunConfig) -> str:
    """Folder or hub id of the model that never saw the forget people; empty = there is none."""
    if config.gold:
        return at_ratio(config.gold, config.mllmu.ratio)
    return _shipped_gold(config, config.world.gold_seed)


def other_gold_of(config: RunConfig) -> str:
    """Folder or hub id of the second gold model; empty = there is none."""
    if config.mllmu.gold_other:
        return at_ratio(config.mllmu.gold_other, config.mllmu.ratio)
    if config.gold or not gold_of(config):
        return ""
    found = (_shipped_gold(config, seed) for seed in GOLD_SEEDS if seed != config.world.gold_seed)
    return next((path for path in found if path), "")


def _shipped_gold(config: RunConfig, seed: int) -> str:
    if not config.embedded or config.mllmu.data or config.mllmu.split != "report":
        return ""
    from unsee.world.shipped import gold_name

    return str(embedded.gold_path(gold_name(config.mllmu.ratio), seed) or "")


def check_floors(config: RunConfig) -> None:
    """Refuses a local model that is missing, which would come to light after other work; hub ids pass.

    Raises:
        UserError: Base, gold or second gold model is not there.
    """
    named = {
        "--set mllmu.base": base_of(config),
        "--gold": gold_of(config),
        "--set mllmu.gold_other": other_gold_of(config),
    }
    for option, model in named.items():
        path = Path(model).expanduser()
        if model and not path.is_dir() and (path.is_absolute() or path.parent.is_dir()):
            raise UserError(
                "A model to compare with is missing.",
                got=f"{option} {model}",
                expected="the folder of a model",
                remedy="train it with unsee train gold, or leave the option out",
            )
