"""What every method must do: the suite that a new method has to pass.

Tiny LLaVA and Qwen2.5-VL that know a few answers by heart; rows of every role, with and without a picture.
How well a method forgets is measured elsewhere (docs/results); here it must forget at all, touch what it may
touch, and come back.
"""

from copy import deepcopy

import pytest
import torch

from tests.methods.rows import examples, knowing, one_forget_row, text_only, without_pictures_of_others
from tests.packs.plain import plain_forward
from tests.training.rows import settings, weights
from unsee.methods.parts import rows_with_role
from unsee.methods.registry import get, methods
from unsee.methods.views import VIEWS
from unsee.models.adapters import load_adapter, merge, save_adapter
from unsee.models.roles import PEFT_PREFIX
from unsee.models.scopes import Scope
from unsee.nouns import UserError
from unsee.packs.pack import build_packs, collate
from unsee.packs.rows import make_rows
from unsee.packs.tokens import TokenTable, forward
from unsee.training.names import banned_ids
from unsee.training.unlearn import Work, unlearn

FAMILIES = ("llava", "qwen2_5_vl")
# Methods whose forget answers need not become less likely on a random model, and why.
UNCHANGED = {
    "router": "acts on pictures close to the concept's alone",
    "manu": "prunes neurons; which answers suffer is a matter of the model",
    "kvw": "weakens weights a little per batch",
}
# Methods that need more passes to be seen, and why.
PASSES = {"scrub": 16, "simnpo": 8}  # scrub: its forget term starts at its minimum, where the gradient is 0


def tables(vlm, rows):
    """One token table per row, each row alone."""
    made = make_rows(vlm, rows)
    with torch.no_grad():
        return [forward(vlm, collate(vlm, build_packs(vlm, [row]))) for row in made]


def likelihood(vlm, role="original"):
    rows = [row for row in examples() if row.role == role]
    return sum(table.logp.mean().item() for table in tables(vlm, rows)) / len(rows)


def run(name, family, folder, rows=None, knobs=None, **changes):
    """A method applied to a fresh tiny model: the target, a copy of its weights, and the outcome."""
    target = knowing(family)
    before = weights(target)
    gold = knowing(family, seed=5)
    work = Work(
        target,
        examples() if rows is None else rows,
        settings(**{"passes": 4, "seed": 3, "lr": 5e-3, **changes}),
        folder,
        names=("Jane Roe",),
        gold=gold,
    )
    return target, before, unlearn(get(name, knobs), work)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", methods())
def test_method(name, family, tmp_path):
    plain = knowing(family)
    start, logits = likelihood(plain), [t.logits for t in tables(plain, examples())]
    target, before, done = run(name, family, tmp_path / "run", passes=PASSES.get(name, 4))
    vlm = done.vlm

    moved = {n.removeprefix(PEFT_PREFIX).replace(".base_layer", ""): w for n, w in weights(vlm).items()}
    changed = {n for n, w in before.items() if not torch.equal(moved[n], w)}
    assert all(vlm.scope.holds(vlm.roles.role_of(n)) for n in changed), sorted(changed)[:3]
    adapters = {n for n in moved if ".lora_" in n}
    assert all(vlm.scope.holds(vlm.roles.role_of(n)) for n in adapters)

    with vlm.adapter_off():
        off = [t.logits for t in tables(vlm, examples())]
    assert all(torch.equal(a, b) for a, b in zip(off, logits, strict=True))

    after = [t.logits for t in tables(vlm, examples())]
    assert any(not torch.equal(a, b) for a, b in zip(after, logits, strict=True))
    if name not in UNCHANGED:
        assert likelihood(vlm) < start - 0.01

    save_adapter(vlm, tmp_path / "adapter")
    again = load_adapter(knowing(family), tmp_path / "adapter")
    loaded = [t.logits for t in tables(again, examples())]
    for a, b in zip(loaded, after, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)
    if getattr(vlm, "hook", None) is None:
        merged = [t.logits for t in tables(merge(again), examples())]
        for a, b in zip(merged, after, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3)


def trained(name):
    return [name] if get(name).terms and get(name).edit is None and get(name).hook is None else []


TRAINED = [name for listed in methods() for name in trained(listed)]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", TRAINED)
def test_first_loss_in_a_plain_layout(name, family, tmp_path):
    """Unpacked rows, one forward pass each with full logits, a copied reference: the same loss to 1e-5."""
    _, _, done = run(name, family, tmp_path / "run", passes=1, batch=64, anchors_per_step=64)
    line = next(line for line in done.training.lines if line["step"] == 1)
    target = knowing(family)
    others = {"target": deepcopy(target), "gold": knowing(family, seed=5)}
    total = 0.0
    prepared = prepared_method(name, target)
    turn = prepared.schedule.at(0, 1, [])
    factors = {
        "forget": 0.0 if turn.forget is None else turn.forget_factor,
        "retain": 0.0 if turn.retain is None else turn.retain_factor,
    }
    for term in prepared.terms:
        if not factors[term.side]:
            continue
        rows = [row for row in examples() if row.role in term.roles]
        mine = plain_table(target, rows, prepared.layers)
        theirs = None
        if term.teacher is not None:
            view = VIEWS[term.teacher.view] if term.teacher.view else (lambda row: row)
            theirs = plain_table(others[term.teacher.model], [view(row) for row in rows], prepared.layers)
        norm = sum(term.count(row) for row in mine.rows)
        value = term.loss(mine, theirs).sum() / norm
        assert line["terms"][term.name] == pytest.approx(value.item(), rel=1e-4, abs=1e-5), term.name
        total += factors[term.side] * term.weight * value.item()
    assert line["loss"] == pytest.approx(total, rel=1e-4, abs=1e-5)


def prepared_method(name, target):
    method = get(name)
    if method.prepare is None:
        return method
    work = Work(target, examples(), settings(seed=3), None, names=("Jane Roe",))
    return method.prepare(work.context(target)).method


def plain_table(vlm, rows, layers):
    """The table of these rows from one official forward pass per row, every position through the head."""
    made = make_rows(vlm, rows, banned=banned_ids(vlm.tokenizer))
    logits, states = [], {layer: [] for layer in layers}
    for row, example in zip(made, rows, strict=True):
        with torch.no_grad():
            out = plain_forward(vlm, row, example.prompt, example.answer, states=bool(layers))
        where = slice(row.answer_start - 1, len(row.ids) - 1)
        logits.append(out.logits[0, where].float())
        for layer in layers:
            states[layer].append(out.hidden_states[layer + 1][0, where])
    return TokenTable(
        torch.cat(logits),
        torch.tensor([label for row in made for label in row.labels]),
        torch.tensor([r for r, row in enumerate(made) for _ in row.labels]),
        torch.tensor([kept for row in made for kept in row.keep]),
        tuple(made),
        {layer: torch.cat(values) for layer, values in states.items()},
    )


@pytest.mark.parametrize("name", TRAINED)
def test_same_seed_same_bits_and_any_layout(name, tmp_path):
    _, _, one = run(name, "llava", tmp_path / "one", passes=1)
    _, _, two = run(name, "llava", tmp_path / "two", passes=1)
    first, second = weights(one.vlm), weights(two.vlm)
    assert all(torch.equal(first[n], second[n]) for n in first)
    _, _, small = run(name, "llava", tmp_path / "small", passes=1, forward_tokens=32)
    for a, b in zip(one.training.lines[:2], small.training.lines[:2], strict=True):
        assert a.get("loss") == pytest.approx(b.get("loss"), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("rows", [without_pictures_of_others, one_forget_row, text_only])
@pytest.mark.parametrize("name", methods())
def test_few_rows_work_or_are_refused_with_a_reason(name, rows, tmp_path):
    refused = None
    try:
        _, _, done = run(name, "llava", tmp_path, rows=rows(), passes=1)
    except UserError as error:
        refused = error
    if refused is None:
        assert likelihood(done.vlm) < 0
    else:
        assert refused.remedy
        assert rows is not one_forget_row


@pytest.mark.parametrize("name", methods())
def test_full_training_moves_the_scope_alone(name, tmp_path):
    scope = Scope(parts=("language.mlp",), full=True)
    target, before, done = run(name, "llava", tmp_path, passes=1, scope=scope)
    moved = weights(done.vlm)
    changed = {n for n in before if n in moved and not torch.equal(moved[n], before[n])}
    assert all(done.vlm.scope.holds(done.vlm.roles.role_of(n)) for n in changed)


@pytest.mark.parametrize("name", methods())
def test_unknown_knobs_name_the_nearest(name):
    knobs = [f for f in vars(get(name).knobs)]
    wrong = f"{knobs[0]}x" if knobs else "weightx"
    with pytest.raises(UserError) as caught:
        get(name, {wrong: 1})
    assert not knobs or knobs[0] in str(caught.value)


def test_roles_of_rows_here_are_all_that_methods_know():
    there = {row.role for row in examples()}
    for name in methods():
        assert get(name).roles <= there, name
    assert rows_with_role(tables(knowing("llava"), examples()[:1])[0], frozenset({"T1"})) == [0]
