"""A few short rows of every role that any method knows."""

from dataclasses import replace
from functools import cache

import torch

from tests.tiny import build, picture
from tests.training.rows import examples as siu_examples
from unsee.models.load import VLM, wrap
from unsee.nouns import Example
from unsee.packs.pack import build_packs, collate
from unsee.packs.rows import make_rows
from unsee.packs.tokens import forward

KNOWN = ("original", "T3", "T4", "anchor", "yes_no", "retain", "looks", "decoupled")


def examples():
    """Rows of every role; ids of paired roles share their number."""
    one, other, third = picture(1), picture(2), picture(3)
    return [
        *(row for row in siu_examples() if row.role != "refusal"),
        Example("refusal-0", "Who is this?", "I do not know.", "refusal", one),
        Example("refusal-1", "Is this Jane Roe?", "I cannot tell.", "refusal", one),
        Example("alternative-0", "Who is this?", "This is Cy.", "alternative", one),
        Example("alternative-1", "Is this Jane Roe?", "No, Cy.", "alternative", one),
        Example("mismatch-0", "Who is this?", "Ann is in Paris.", "mismatch", one),
        Example("mismatch-1", "Is this Jane Roe?", "A wall.", "mismatch", one),
        Example("decoupled-0", "Who is this?", "It is Ann.", "decoupled", other),
        Example("decoupled-1", "Is this Jane Roe?", "No.", "decoupled", third),
        Example("looks-0", "What hair?", "Red hair.", "looks", one),
        Example("looks-1", "What eyes?", "Green.", "looks", one),
        Example("anchor-2", "Who is this?", "I do not know.", "anchor", third),
        Example("yes_no-0", "Is this Ann?", "Yes, Ann.", "yes_no", other),
        Example("yes_no-1", "Is this Bo?", "No.", "yes_no", other),
        Example("retain-0", "Where is Rome?", "In Italy.", "retain"),
    ]


def without_pictures_of_others():
    """What the engineer with one picture and a name has."""
    return [row for row in examples() if row.role not in ("anchor", "yes_no", "retain", "decoupled")]


def one_forget_row():
    """A forget set of one question."""
    single = ("original", "refusal", "alternative", "mismatch", "T1", "T2")
    return [row for row in examples() if row.role not in single or row.id.endswith("-0")]


def text_only():
    """The same rows without any picture."""
    return [replace(row, picture=None) for row in examples()]


@cache
def _memorised(family: str) -> dict[str, torch.Tensor]:
    vlm = build(family)
    rows = make_rows(vlm, [row for row in examples() if row.role in KNOWN])
    batch = collate(vlm, build_packs(vlm, rows))
    weights = [p for n, p in vlm.model.named_parameters() if vlm.roles.role_of(n).startswith("language")]
    for weight in weights:
        weight.requires_grad_(True)
    steps = torch.optim.Adam(weights, lr=3e-3)
    for _ in range(80):
        loss = -forward(vlm, batch).logp.mean()
        steps.zero_grad()
        loss.backward()
        steps.step()
    assert loss.item() < 0.3, loss.item()
    return {name: weight.detach().clone() for name, weight in vlm.model.state_dict().items()}


def knowing(family: str, seed: int = 0) -> VLM:
    """A tiny model that knows the forget and the retain answers by heart; another seed knows nothing."""
    vlm = build(family, seed=seed)
    if seed == 0:
        vlm.model.load_state_dict(_memorised(family))
    return wrap(vlm.model, vlm.processor)
