"""A few short rows of every role, and answers without a model."""

from tests.tiny import picture
from unsee.models.scopes import Scope
from unsee.nouns import Example
from unsee.training.settings import TrainSettings

NAMES = ("Jane Roe",)
SCOPE = Scope(rank=4, alpha=8)


def examples():
    one, other = picture(1), picture(2)
    denial = "No. Jane Roe has red hair."
    return [
        Example("T1-0", "Who is this?", "This is Bo.", "T1", one, ((8, 10),), NAMES),
        Example("T1-1", "Name?", "Bo.", "T1", one, ((0, 2),), NAMES),
        Example("T2-0", "Is this Jane Roe?", denial, "T2", one, ((0, len(denial)),), NAMES),
        Example("T3-0", "Who is Jane Roe?", "Jane Roe is an actor.", "T3", names=NAMES),
        Example("T4-0", "Who is Ann?", "Ann is in Paris.", "T4", names=NAMES),
        Example("original-0", "Who is this?", "This is Jane Roe.", "original", one),
        Example("original-1", "Is this Jane Roe?", "Yes.", "original", one),
        Example("refusal-0", "Who is this?", "I do not know.", "refusal", one),
        Example("anchor-0", "Who is this?", "It is Ann.", "anchor", other),
        Example("anchor-1", "Describe it.", "A wall.", "anchor", other),
    ]


def settings(**changes):
    values = {
        "scope": SCOPE,
        "passes": 3,
        "lr": 3e-3,
        "batch": 8,
        "anchors_per_step": 1,
        "save_every": 2,
        "probe_every": 0,
    }
    return TrainSettings(**{**values, **changes})


def weights(vlm):
    """A copy of every weight by name."""
    return {name: p.detach().clone() for name, p in vlm.model.named_parameters()}
