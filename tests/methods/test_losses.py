"""The terms of every method against Python loops, on a table written by hand."""

import pytest
import torch

from tests.objectives import slow
from tests.tiny import picture
from unsee.methods.parts import TARGET, pick_rows
from unsee.methods.registry import get
from unsee.methods.schedules import Turn
from unsee.packs.rows import Row
from unsee.packs.tokens import TokenTable
from unsee.training.losses import start_step

VOCABULARY = 9
BANNED = frozenset({2, 5})


@pytest.fixture
def rows():
    one = picture(1)
    return (
        Row("a", "T1", (0, 1, 2, 3), 1, (True, False, True), one, (0, 1), BANNED),
        Row("b", "T2", (0, 4, 5), 1, (False, False), one, (0, 1), BANNED),
        Row("c", "T3", (0, 6, 7, 8), 1, (True, True, True), banned=BANNED),
        Row("d", "T4", (0, 1), 1, (True,), banned=BANNED),
        Row("e", "anchor", (0, 3, 3), 1, (True, True)),
        Row("f", "original", (0, 2, 2), 1, (True, True), one, (0, 1)),
        Row("g", "refusal", (0, 8), 1, (True,), one, (0, 1)),
    )


@pytest.fixture
def tables(rows):
    generator = torch.Generator().manual_seed(0)
    labels = [label for row in rows for label in row.labels]
    index = [r for r, row in enumerate(rows) for _ in row.labels]
    keep = [flag for row in rows for flag in row.keep]

    def table():
        logits = torch.randn(len(labels), VOCABULARY, generator=generator) * 2
        return TokenTable(logits, torch.tensor(labels), torch.tensor(index), torch.tensor(keep), rows)

    return table(), table()


def by_loops(method, knobs, tables, rows):
    """The whole loss of a step, term by term, in float64 Python."""
    student, reference = tables
    start, spans = 0, []
    for row in rows:
        spans.append(range(start, start + len(row.labels)))
        start += len(row.labels)

    def nlls(r):
        return [
            slow.nll(student.logits[i].double().tolist(), rows[r].labels[k]) for k, i in enumerate(spans[r])
        ]

    def kls(r, keep, banned, released=False):
        one = slow.released_kl if released else slow.masked_kl
        pairs = [
            (student.logits[i].double().tolist(), reference.logits[i].double().tolist()) for i in spans[r]
        ]
        return [one(*pair, banned) for pair, k in zip(pairs, keep, strict=True) if k]

    def mean(values):
        return sum(values) / max(1, len(values))

    roles = {role: [r for r, row in enumerate(rows) if row.role == role] for role in {x.role for x in rows}}
    concept = [roles[x][0] for x in ("T1", "T2", "T3", "T4")]
    retain = [roles[x][0] for x in ("T3", "T4", "anchor")]
    if method == "ga":
        return -mean(nlls(roles["original"][0]))
    if method == "ga_kl":
        kl = mean([mean(kls(r, rows[r].keep, ())) for r in retain])
        return -mean(nlls(roles["original"][0])) + kl
    if method == "po":
        return mean(nlls(roles["refusal"][0])) + mean([mean(nlls(r)) for r in retain])
    total = 0.0
    for group in (concept, roles["anchor"]):
        if knobs["variant"] == "corrected":
            ce = mean([mean(nlls(r)) for r in group])
            banned = {r: BANNED if rows[r].role in ("T1", "T2") else () for r in group}
            kl = mean([mean(kls(r, rows[r].keep, banned[r])) for r in group])
            total += 0.9 * ce + 0.75 * kl
        elif knobs["variant"] == "paper":
            ce = mean([sum(nlls(r)) for r in group])
            kl = mean([sum(kls(r, rows[r].keep, rows[r].banned)) for r in group])
            total += 0.9 * ce + 0.75 * kl
        else:
            late = {r: (True, *rows[r].keep[:-1]) for r in group}
            shown = [r for r in group if rows[r].picture is None]
            kl = [v for r in shown for v in kls(r, late[r], rows[r].banned, released=True)]
            positions = sum(sum(late[r]) for r in group)
            ce = mean([v for r in group for v in nlls(r)])
            total += ce + sum(kl) / (positions * VOCABULARY)
    return total


CASES = [("siu", {"variant": v}) for v in ("corrected", "paper", "released_code")]
CASES += [("ga", {}), ("ga_kl", {}), ("po", {})]


@pytest.mark.parametrize(("name", "knobs"), CASES)
def test_loss_agrees_with_loops(name, knobs, tables, rows):
    method = get(name, knobs)
    chosen = [r for r, row in enumerate(rows) if row.role in method.roles]
    step = start_step(method, [rows[r] for r in chosen], 1, Turn(0, 0))
    student, reference = (pick_rows(table, chosen) for table in tables)
    loss = step.add(student, {TARGET: reference})
    assert loss.item() == pytest.approx(by_loops(name, knobs, tables, rows), rel=1e-5)
    assert step.total == pytest.approx(loss.item(), rel=1e-5)


@pytest.mark.parametrize(("name", "knobs"), CASES)
def test_cutting_a_step_changes_nothing(name, knobs, tables, rows):
    """Loss and gradient of one forward pass equal those of one pass per row."""
    method = get(name, knobs)
    chosen = [r for r, row in enumerate(rows) if row.role in method.roles]
    wanted = [rows[r] for r in chosen]
    student, reference = tables
    results = []
    for groups in ([chosen], [[r] for r in chosen]):
        leaf = student.logits.clone().requires_grad_()
        table = TokenTable(leaf, student.labels, student.row, student.keep, student.rows)
        step = start_step(method, wanted, 1, Turn(0, 0))
        for group in groups:
            step.add(pick_rows(table, group), {TARGET: pick_rows(reference, group)}).backward()
        results.append((step.total, step.terms, leaf.grad))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-5)
    assert results[0][1] == pytest.approx(results[1][1], rel=1e-5)
    torch.testing.assert_close(results[0][2], results[1][2])
    assert results[0][2].abs().max() > 0


def test_pick_rows_renumbers(tables, rows):
    table = tables[0]
    part = pick_rows(table, [2, 0])
    assert [row.example for row in part.rows] == ["c", "a"]
    assert part.row.tolist() == [1, 1, 1, 0, 0, 0]
    assert part.labels.tolist() == [1, 2, 3, 6, 7, 8]
    torch.testing.assert_close(part.logits, table.logits[[0, 1, 2, 5, 6, 7]])
    assert part.keep.tolist() == [True, False, True, True, True, True]
    assert pick_rows(table, range(len(rows))) is table


def test_the_vocabulary_mask_pushes_the_name_down(tables, rows):
    """At the reference, the masked KL of SIU lowers banned logits on kept T1 tokens, and nowhere else."""
    reference = tables[1]
    leaf = reference.logits.clone().requires_grad_()
    table = TokenTable(leaf, reference.labels, reference.row, reference.keep, reference.rows)
    term = next(t for t in get("siu").terms if t.name == "dmk")
    wanted = [0, 1, 2, 3]
    term.loss(pick_rows(table, wanted), pick_rows(reference, wanted)).sum().backward()
    banned = leaf.grad[:, sorted(BANNED)]
    assert (banned[[0, 2]] > 0).all()
    assert leaf.grad[1].abs().max() == 0
    assert leaf.grad[3:].abs().max() < 1e-6
