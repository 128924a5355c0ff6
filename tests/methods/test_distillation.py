"""UNDIAL, CE-U, maximum entropy, SCRUB, VGID, PDU and GA+KL against Python loops; known bad releases."""

import math
from dataclasses import replace

import pytest
import torch

from tests.methods.tables import VOCABULARY, step_loss, table, tokens
from tests.objectives import slow
from unsee.methods.parts import RETAIN_ROLES, TARGET, Teacher
from unsee.methods.registry import get
from unsee.methods.schedules import JOINT, Alternate, Dual, Sequential, Turn
from unsee.nouns import UserError
from unsee.objectives.shapes import entropy
from unsee.packs.rows import Row
from unsee.packs.tokens import TokenTable

NOISE = Teacher("target", "noise")


def numbers(made, i):
    return made.logits[i].double().tolist()


def nll(made, i):
    return slow.nll(numbers(made, i), made.labels[i].item())


def kl(student, teacher, i, temperature=1.0):
    q, p = ([x / temperature for x in numbers(made, i)] for made in (student, teacher))
    return slow.masked_kl(q, p, ())


def cross(student, target, i):
    """Cross-entropy of the student under a list of target probabilities."""
    q = slow.softmax(numbers(student, i))
    return -sum(p * math.log(x) for p, x in zip(target, q, strict=True) if p > 0)


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def by_rows(found, value):
    """Mean over a row's tokens, then over rows."""
    return mean(mean(value(i) for i in row) for row in found)


def by_tokens(found, value):
    return mean(value(i) for row in found for i in row)


def summed(found, value):
    return mean(sum(value(i) for i in row) for row in found)


def entropy_of(student, i):
    return -sum(p * math.log(p) for p in slow.softmax(numbers(student, i)))


def slow_undial(s, t, forget, retain):
    def value(i):
        z = numbers(t, i)
        z[s.labels[i]] -= 10.0
        return cross(s, slow.softmax(z), i)

    return by_rows(forget, value) + 0.5 * by_rows(retain, lambda i: nll(s, i))


def slow_ceu(s, t, forget, retain):
    def value(i):
        q = slow.softmax(numbers(s, i))
        q[s.labels[i]] = 0.0
        return cross(s, [x / sum(q) for x in q], i)

    later = [row[1:] for row in forget]
    return mean(mean(value(i) for i in row) if row else 0.0 for row in later)


def slow_max_entropy(s, t, forget, retain):
    flat = by_rows(forget, lambda i: math.log(VOCABULARY) - entropy_of(s, i))
    return 2.0 * flat + 0.5 * by_rows(retain, lambda i: nll(s, i))


def slow_uniform(s, t, forget, retain):
    target = [1 / VOCABULARY] * VOCABULARY
    flat = by_rows(forget, lambda i: cross(s, target, i) - math.log(VOCABULARY))
    return 2.0 * flat + 0.5 * by_rows(retain, lambda i: nll(s, i))


def slow_clear_entropy(s, t, forget, retain):
    return 2.0 * summed(forget, lambda i: entropy_of(s, i)) + 0.5 * by_tokens(retain, lambda i: nll(s, i))


def slow_ga_kl(s, t, forget, retain):
    return -by_rows(forget, lambda i: nll(s, i)) + 2.0 * by_rows(retain, lambda i: kl(s, t, i))


def row_of(s, tokens_of_row):
    return s.row[tokens_of_row[0]].item()


def slow_ga_kl_released(s, t, forget, retain):
    """Sums over all positions are figures of a row, which stand in the table."""

    def nll_everywhere(found):
        """Each row has its answer and one token before it, which nothing predicts."""
        return sum(s.everywhere["nll"][row_of(s, row)].item() for row in found) / sum(map(len, found))

    kept = 2.0 * mean(s.everywhere["kl"][row_of(s, row)].item() for row in retain)
    return -nll_everywhere(forget) + kept + nll_everywhere(retain)


def slow_scrub(s, t, forget, retain):
    def warm(i):
        return 9.0 * kl(s, t, i, 3.0)

    kept = 0.5 * by_rows(retain, warm) + 0.25 * by_rows(retain, lambda i: nll(s, i))
    return -2.0 * by_rows(forget, warm) + kept


def slow_clear_scrub(s, t, forget, retain):
    def reverse(found):
        """Over all positions of all rows: each row has its answer and one token before it."""
        total = sum(s.everywhere["reverse_kl"][row_of(s, row)].item() for row in found)
        return total / sum(len(row) + 1 for row in found)

    kept = reverse(retain) + 0.25 * by_tokens(retain, lambda i: nll(s, i))
    return -2.0 * reverse(forget) + kept


def slow_pdu(s, t, forget, retain):
    def value(i):
        z = numbers(s, i)
        return (max(z) - sum(z) / len(z)) ** 2

    return by_rows(forget, value) + 7.0 * by_rows(retain, lambda i: nll(s, i))


CASES = {
    "undial": ("undial", {"weight": 0.5}, slow_undial),
    "ceu": ("ceu", {}, slow_ceu),
    "max_entropy": ("max_entropy", {"beta": 2.0, "weight": 0.5}, slow_max_entropy),
    "max_entropy paper": ("max_entropy", {"beta": 2.0, "weight": 0.5, "variant": "paper"}, slow_max_entropy),
    "max_entropy forward": (
        "max_entropy",
        {"beta": 2.0, "weight": 0.5, "direction": "forward"},
        slow_uniform,
    ),
    "max_entropy released": (
        "max_entropy",
        {"beta": 2.0, "weight": 0.5, "variant": "released_code"},
        slow_clear_entropy,
    ),
    "ga_kl": ("ga_kl", {"weight": 2.0}, slow_ga_kl),
    "ga_kl paper": ("ga_kl", {"weight": 2.0, "variant": "paper"}, slow_ga_kl),
    "ga_kl released": ("ga_kl", {"weight": 2.0, "variant": "released_code"}, slow_ga_kl_released),
    "scrub": ("scrub", {"beta": 2.0, "gamma": 0.25, "temperature": 3.0}, slow_scrub),
    "scrub paper": (
        "scrub",
        {"beta": 2.0, "gamma": 0.25, "temperature": 3.0, "variant": "paper"},
        slow_scrub,
    ),
    "scrub released": (
        "scrub",
        {"beta": 2.0, "gamma": 0.25, "temperature": 3.0, "variant": "released_code"},
        slow_clear_scrub,
    ),
    "pdu": ("pdu", {}, slow_pdu),
}


@pytest.mark.parametrize("case", CASES)
def test_loss_agrees_with_loops(case):
    name, knobs, plainly = CASES[case]
    student, teacher = table(1), table(2)
    forget = tokens(student, "original")
    retain = [row for role in RETAIN_ROLES for row in tokens(student, role)]
    turn = Turn(0, 0, retain_factor=7.0) if name == "pdu" else Turn(0, 0)
    generator = torch.Generator().manual_seed(3)
    summed_over_all = {
        key: torch.rand(len(student.rows), generator=generator) for key in ("kl", "reverse_kl", "nll")
    }
    student = replace(student, everywhere=summed_over_all)
    loss, step = step_loss(get(name, knobs), student, {TARGET: teacher}, turn)
    assert loss.item() == pytest.approx(plainly(student, teacher, forget, retain), rel=1e-5)
    assert step.total == pytest.approx(loss.item(), rel=1e-5)


def test_vgid_compares_forget_rows_with_the_blinded_target_and_the_others_with_the_plain_one():
    student, plain, blinded = table(1), table(2), table(3)
    forget = tokens(student, "original")
    retain = [row for role in RETAIN_ROLES for row in tokens(student, role)]
    method = get("vgid", {"alpha": 2.0, "beta": 0.5})
    assert method.teachers == {TARGET, NOISE}
    loss, _ = step_loss(method, student, {TARGET: plain, NOISE: blinded})
    wanted = 2.0 * by_rows(forget, lambda i: kl(student, blinded, i))
    wanted += 0.5 * by_rows(retain, lambda i: kl(student, plain, i))
    assert loss.item() == pytest.approx(wanted, rel=1e-5)
    assert get("vgid", {"view": "text"}).teachers == {TARGET, Teacher("target", "text")}


def forget_gradient(name, knobs, student, teacher):
    """The gradient of the forget terms alone on the student's logits."""
    leaf = student.logits.clone().requires_grad_()
    made = TokenTable(leaf, student.labels, student.row, student.keep, student.rows)
    loss, _ = step_loss(get(name, knobs), made, {TARGET: teacher}, Turn(0, None))
    loss.backward()
    return leaf.grad


LOWERING = [("undial", {}), ("ceu", {"skip": 0}), ("ga_kl", {})]


@pytest.mark.parametrize(("name", "knobs"), LOWERING)
def test_a_step_at_the_target_lowers_the_forget_answers(name, knobs):
    student = table(1)
    gradient = forget_gradient(name, knobs, student, student)
    after = student.logits - 0.01 * gradient
    labels = student.labels[:, None]
    gap = (after.log_softmax(-1) - student.logits.log_softmax(-1)).gather(1, labels)[:, 0]
    forget = [i for row in tokens(student, "original") for i in row]
    assert (gap[forget] < 0).all()
    assert gap[[i for i in range(len(gap)) if i not in forget]].abs().max() == 0


@pytest.mark.parametrize(("variant", "sign"), [("corrected", 1), ("paper", 1), ("released_code", -1)])
def test_clear_minimises_the_entropy_that_it_means_to_maximise(variant, sign):
    student = table(1)
    gradient = forget_gradient("max_entropy", {"variant": variant}, student, student)
    forget = [i for row in tokens(student, "original") for i in row]
    gain = entropy(student.logits - 0.1 * gradient) - entropy(student.logits)
    assert (sign * gain[forget] > 0).all()


def test_clear_makes_a_model_sure_of_its_answer():
    """Followed to the end: the correct loss leaves every token equally likely, CLEAR's a single one."""
    start = table(1)
    ends = {}
    for variant in ("corrected", "released_code"):
        logits = start.logits
        for _ in range(400):
            made = TokenTable(logits, start.labels, start.row, start.keep, start.rows)
            logits = logits - 1.0 * forget_gradient("max_entropy", {"variant": variant}, made, made)
        ends[variant] = entropy(logits)[[i for row in tokens(start, "original") for i in row]]
    assert (ends["corrected"] > 0.9 * math.log(VOCABULARY)).all()
    assert (ends["released_code"] < 0.3).all()


def test_ceu_passes_over_the_first_token_and_answers_of_one_token():
    student = table(1)
    gradient = forget_gradient("ceu", {}, student, student)
    moved = {i for i in range(len(gradient)) if gradient[i].abs().max() > 0}
    assert moved == {i for row in tokens(student, "original") for i in row[1:]}


def test_released_kl_is_a_sum_and_scrubs_a_mean_over_all_positions():
    """By hand: rows of 2 and 3 tokens whose divergences sum to 1 and 5 nats."""
    made = (
        Row("retain-0", "retain", (0, 3), 1, (True,)),
        Row("retain-1", "retain", (0, 3, 1), 1, (True,) * 2),
    )
    summed_kl = {"kl": torch.tensor([1.0, 5.0]), "reverse_kl": torch.tensor([1.0, 5.0])}
    student = replace(table(1, made), everywhere=summed_kl)
    for name, wanted in (("ga_kl", 2.0 * (1 + 5) / 2), ("scrub", (1 + 5) / (2 + 3))):
        method = get(name, {"variant": "released_code", **({"weight": 2.0} if name == "ga_kl" else {})})
        method = method.with_terms(*(term for term in method.terms if term.name == "retain_kl"))
        assert not method.teachers
        assert step_loss(method, student, {})[0].item() == pytest.approx(wanted)


@pytest.mark.parametrize("name", ["ga", "grad_diff", "ga_kl"])
def test_released_ascent_is_a_mean_over_every_token_that_has_one_before_it(name):
    """By hand: rows of 2 and 6 tokens, their prompts among them; negative log-likelihoods of 1 and 11."""
    made = (
        Row("original-0", "original", (0, 3), 1, (True,)),
        Row("original-1", "original", (0, 3, 1, 2, 2, 5), 4, (True,) * 2),
    )
    student = replace(table(1, made), everywhere={"nll": torch.tensor([1.0, 11.0])})
    method = get(name, {"variant": "released_code"})
    ascent = method.with_terms(*(term for term in method.terms if term.name == "ascent"))
    assert step_loss(ascent, student, {})[0].item() == pytest.approx(-(1 + 11) / (1 + 5))


def test_schedules_of_the_family():
    assert get("ga_kl").schedule == JOINT
    assert get("ga_kl", {"variant": "released_code"}).schedule == Sequential()
    assert get("scrub").schedule == Alternate(1, 0.5)
    assert get("scrub", {"variant": "released_code"}).schedule == JOINT
    assert get("pdu", {"mu": 100, "eta": 5, "warmup": 2}).schedule == Dual(100.0, 5.0, 1.5, 0.1, 2)


def test_sides_of_the_family():
    for name in ("ga_kl", "scrub", "vgid", "max_entropy", "pdu", "undial", "ceu"):
        method = get(name, {"weight": 1.0} if name in ("undial", "ceu") else {})
        assert {term.side for term in method.terms if "original" in term.roles} == {"forget"}
        assert {term.side for term in method.terms if "anchor" in term.roles} == {"retain"}


@pytest.mark.parametrize(("name", "weight"), [("undial", "weight"), ("ceu", "weight"), ("vgid", "beta")])
def test_weight_zero_leaves_the_retain_rows_out(name, weight):
    assert get(name, {weight: 0.0}).roles == {"original"}


@pytest.mark.parametrize(
    ("name", "knobs"),
    [
        ("undial", {"beta": 0.0}),
        ("ceu", {"skip": -1}),
        ("scrub", {"temperature": 0.0}),
        ("scrub", {"until": 0.0}),
        ("scrub", {"until": 1.5}),
        ("scrub", {"every": 0}),
        ("pdu", {"mu": -1.0}),
        ("vgid", {"view": "moon"}),
    ],
)
def test_senseless_knobs_are_refused(name, knobs):
    with pytest.raises(UserError) as error:
        get(name, knobs)
    assert next(iter(knobs)) in error.value.what
