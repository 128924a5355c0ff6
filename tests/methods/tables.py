"""Token tables written by hand: short rows of every role, random logits and states of a width of choice."""

import torch

from tests.tiny import picture
from unsee.methods.parts import pick_rows
from unsee.methods.schedules import Turn
from unsee.packs.rows import Row
from unsee.packs.tokens import TokenTable
from unsee.training.losses import start_step

VOCABULARY = 9
BOTH = Turn(0, 0)
ROLES = {
    "original": ((2, 2, 7), (4,), (1, 0)),
    "T3": ((6, 7, 8),),
    "T4": ((1,),),
    "anchor": ((3, 3), (8, 0, 0, 5)),
    "retain": ((5, 2),),
}


def rows():
    """Rows of unlike lengths: labels after one token of prompt."""
    one = picture(1)
    return tuple(
        Row(f"{role}-{i}", role, (0, *labels), 1, (True,) * len(labels), one, (0, 1))
        for role, answers in ROLES.items()
        for i, labels in enumerate(answers)
    )


def table(seed, chosen=None, layers=(), width=4):
    """A table over the rows with random logits, and random states at each layer."""
    made = rows() if chosen is None else chosen
    generator = torch.Generator().manual_seed(seed)
    labels = torch.tensor([label for row in made for label in row.labels])
    index = torch.tensor([r for r, row in enumerate(made) for _ in row.labels])
    logits = torch.randn(len(labels), VOCABULARY, generator=generator) * 2
    states = {layer: torch.randn(len(labels), width, generator=generator) for layer in layers}
    return TokenTable(logits, labels, index, torch.ones_like(labels, dtype=torch.bool), made, states)


def tokens(made, role):
    """For each row of a role the indices of its tokens in the table."""
    return [
        [i for i, r in enumerate(made.row.tolist()) if r == place]
        for place, row in enumerate(made.rows)
        if row.role == role
    ]


def step_loss(method, student, teachers, turn=BOTH):
    """The loss of a step over the table's rows that the method asks for: (loss, StepLoss)."""
    wanted = [r for r, row in enumerate(student.rows) if row.role in method.roles]
    step = start_step(method, [student.rows[r] for r in wanted], 1, turn)
    seen = {teacher: pick_rows(made, wanted) for teacher, made in teachers.items()}
    return step.add(pick_rows(student, wanted), seen), step
