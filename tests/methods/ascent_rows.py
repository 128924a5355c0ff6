"""Rows of every role with tables written by hand, and losses in float64 Python loops."""

import math

import torch

from tests.objectives import slow
from tests.tiny import picture
from unsee.methods.parts import GOLD, TARGET, pick_rows, rows_with_role
from unsee.packs.rows import Row
from unsee.packs.tokens import TokenTable

VOCABULARY = 9


def make_rows():
    one = picture(1)
    said = [
        ("original-0", (2, 2, 4)),
        ("refusal-1", (8,)),
        ("original-1", (7,)),
        ("refusal-0", (8, 1)),
        ("alternative-0", (3, 5, 5, 1)),
        ("alternative-1", (6, 2)),
        ("mismatch-0", (1, 5)),
        ("original-2", (5, 6)),
        ("T3-0", (6, 7, 8)),
        ("anchor-0", (3, 3)),
        ("retain-0", (4,)),
        ("decoupled-0", (0, 7)),
    ]
    return tuple(
        Row(name, name.split("-")[0], (0, *answer), 1, (True,) * len(answer), one, (0, 1))
        for name, answer in said
    )


def make_tables(rows):
    """Student, target and gold; sums over all positions are figures that stand in their tables."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.tensor([label for row in rows for label in row.labels])
    index = torch.tensor([r for r, row in enumerate(rows) for _ in row.labels])
    return tuple(
        TokenTable(
            torch.randn(len(labels), VOCABULARY, generator=generator) * 2,
            labels,
            index,
            torch.ones(len(labels), dtype=torch.bool),
            rows,
            everywhere={"nll": torch.linspace(1, 9, len(rows)) * (1 + model)},
        )
        for model in range(3)
    )


def step_loss(method, student, target, gold=None):
    """Weighted sum of the terms, each divided by its count, in one forward pass."""
    total = student.logits.new_zeros(())
    teachers = {None: None, TARGET: target, GOLD: gold}
    for term in method.terms:
        wanted = rows_with_role(student, term.roles)
        teacher = teachers[term.teacher]
        values = term.loss(pick_rows(student, wanted), teacher and pick_rows(teacher, wanted))
        assert values.shape == (len(wanted),)
        total = total + term.weight * values.sum() / sum(term.count(student.rows[r]) for r in wanted)
    return total


class Loops:
    """The losses and the closed-form token weights in float64 Python."""

    def __init__(self, tables, rows):
        self.rows, self.tokens, start = rows, [], 0
        self.sums = [table.everywhere["nll"].tolist() for table in tables]
        for row in rows:
            self.tokens.append(range(start, start + len(row.labels)))
            start += len(row.labels)
        self.logits = [table.logits.double().tolist() for table in tables]

    def of(self, *roles):
        return [r for r, row in enumerate(self.rows) if row.role in roles]

    def logp(self, r, model=0):
        return [
            -slow.nll(self.logits[model][i], y)
            for i, y in zip(self.tokens[r], self.rows[r].labels, strict=True)
        ]

    def mean_nll(self, *roles):
        return mean([-mean(self.logp(r)) for r in self.of(*roles)])

    def token_nll(self, *roles):
        return -mean([x for r in self.of(*roles) for x in self.logp(r)])

    def everywhere_nll(self, *roles, model=0):
        """Per token of the rows but their first: their sums are given."""
        found = self.of(*roles)
        return sum(self.sums[model][r] for r in found) / sum(len(self.rows[r].ids) - 1 for r in found)

    def excess(self, r, model=1):
        return sum(self.logp(r)) - sum(self.logp(r, model))

    def mean_kl(self, *roles):
        return mean(
            [
                mean([slow.masked_kl(self.logits[0][i], self.logits[1][i], ()) for i in self.tokens[r]])
                for r in self.of(*roles)
            ]
        )

    def pairs(self, preferred):
        by_name = {row.example: r for r, row in enumerate(self.rows)}
        return [(by_name[f"{preferred}-{n}"], by_name[f"original-{n}"]) for n in (0, 1)]

    def gradient(self, weights):
        """Gradient on the logits of the sum of w_t log p_t."""
        found, labels = [], [label for row in self.rows for label in row.labels]
        for i, (logits, label) in enumerate(zip(self.logits[0], labels, strict=True)):
            chance = slow.softmax(logits)
            found.append([weights.get(i, 0.0) * ((v == label) - p) for v, p in enumerate(chance)])
        return torch.tensor(found)


def mean(values):
    return sum(values) / len(values)


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def preference(excess, beta):
    return 2 / beta * math.log(1 + math.exp(beta * excess))


RETAIN = ("T3", "anchor", "retain")


def dpo_by_loops(loops, preferred, beta):
    return mean([preference(loops.excess(y) - loops.excess(x), beta) for x, y in loops.pairs(preferred)])


def clear_by_loops(loops):
    total = []
    for r in loops.of("original"):
        for i in loops.tokens[r]:
            p, q = slow.softmax(loops.logits[0][i]), slow.softmax(loops.logits[1][i])
            total.append(mean([2 * math.log(1 + a / (b + 1e-8)) for a, b in zip(p, q, strict=True)]))
    return mean(total)


def weighted(loops, power, doubt, how):
    parts = [
        [math.exp(x) ** power * (1 - math.exp(x)) ** doubt * x for x in loops.logp(r)]
        for r in loops.of("original")
    ]
    if how == "tokens":
        return mean([x for part in parts for x in part])
    return mean([sum(part) / (len(part) if how == "mean" else 1) for part in parts])


def batch_scalar(loops, beta):
    gap = loops.everywhere_nll("original", model=2) - loops.everywhere_nll("original")
    return preference(gap, beta)
