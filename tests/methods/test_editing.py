"""Methods that edit weights without training, against plain loops and numbers worked by hand."""

import math
from dataclasses import replace

import pytest
import torch

from tests.methods.rows import examples, text_only
from tests.methods.test_statistics import FAMILIES, close, context_of, slow_values
from tests.tiny import build
from tests.training.rows import settings, weights
from unsee.methods import kvw, manu, smfa
from unsee.methods.activations import Moments, mlp_layers
from unsee.methods.registry import get
from unsee.models.adapters import Scope, attach, load_adapter, merge, probe_logits, save_adapter
from unsee.nouns import UserError
from unsee.training.unlearn import Work, unlearn

LORA = Scope(("language",), rank=2, alpha=4)


def run(name, folder, knobs=None, family="llava", rows=None, **changes):
    values = {"scope": LORA, "passes": 2, "seed": 3, **changes}
    return unlearn(get(name, knobs), Work(build(family), rows or examples(), settings(**values), folder))


def moments(*columns):
    """Moments of neurons whose values are given, one column each."""
    made = Moments.empty(len(columns))
    made.add(torch.tensor(columns).T, 0.1)
    return made


# --- MANU --------------------------------------------------------------------------------------------------


def test_importance_by_hand():
    multi, text = moments([1.0, -3.0]), moments([1.0, 0.0])
    a = (2 - 0.5) / (2 + 0.5)
    f = (1 - 0.5) / (1 + 0.5)
    v = math.sqrt(4 + 0.25)
    r = math.sqrt((5 - 0.5) / (5 + 0.5))
    assert manu.importance(multi, text).item() == pytest.approx(a + f + v + r, rel=1e-4)
    nothing = manu.importance(moments([0.0]), Moments.empty(1))
    assert nothing.item() == 0.0


def test_released_score_by_hand():
    forget, retain = moments([3.0, 1.0]), moments([1.0, 0.0])
    wanted = 2 * (2 / 0.5 - 1) + 2 * (1 / 0.5 - 1) + 2 * (math.sqrt(5) / math.sqrt(0.5) - 1)
    assert manu.released_score(forget, retain).item() == pytest.approx(wanted, rel=1e-4)
    assert manu.released_score(forget, forget).item() == pytest.approx(0.0, abs=1e-4)


def test_the_top_share_of_all_layers_together():
    scores = {"a": torch.tensor([1.0, 5.0, 2.0]), "b": torch.tensor([4.0, 0.0, 3.0])}
    found = manu.top_neurons(scores, 0.5)
    assert {path: places.tolist() for path, places in found.items()} == {"a": [1], "b": [0, 2]}
    assert sum(len(places) for places in manu.top_neurons(scores, 0.001).values()) == 1


def slow_importance(context, rows, path, visual):
    """The four parts of I from values gathered row by row."""
    multi = slow_values(context, rows, path, "input", "all").double()
    text = torch.zeros((0, multi.shape[1])).double()
    if not visual:
        text = slow_values(context, [replace(r, picture=None) for r in rows], path, "input", "all").double()
    result = []
    for j in range(multi.shape[1]):
        parts = []
        for values in (multi[:, j].tolist(), text[:, j].tolist()):
            n = max(len(values), 1)
            mean = sum(values) / n
            parts.append(
                (
                    sum(abs(v) for v in values) / n,
                    sum(abs(v) > 0.1 for v in values) / n,
                    sum((v - mean) ** 2 for v in values) / n,
                    sum(v * v for v in values) / n,
                )
            )
        (am, fm, vm, em), (at, ft, vt, et) = parts
        result.append(
            abs(am - at) / (am + at + 1e-5)
            + abs(fm - ft) / (fm + ft + 1e-5)
            + math.sqrt(vm + vt)
            + math.sqrt(abs(em - et) / (em + et + 1e-5))
        )
    return torch.tensor(result, dtype=torch.float64)


@pytest.mark.parametrize("family", FAMILIES)
def test_scores_equal_plain_loops(family):
    context = context_of(family)
    forget = context.of("original")
    retain = [row for row in context.of("anchor", "retain") if row.picture]
    for tower in manu.TOWERS:
        found = manu.paper_scores(context, tower, 0.1)
        path = list(found)[-1]
        visual = tower.startswith("vision")
        wanted = slow_importance(context, forget, path, visual)
        close(found[path], wanted / (slow_importance(context, retain, path, visual) + 1e-5))


@pytest.mark.parametrize("family", FAMILIES)
def test_released_statistics_read_outputs_and_text_alone(family):
    context = context_of(family)
    language = manu.released_scores(context, "language.mlp", 0.1)
    assert len(language) == 6
    path = next(p for p in language if "up_proj" in p and ".1." in p)
    forget = [replace(row, picture=None) for row in context.of("original")]
    retain = [replace(row, picture=None) for row in context.of("anchor")][: len(forget)]
    f, r = (slow_values(context, rows, path, "output", "all").double() for rows in (forget, retain))
    wanted = sum(
        2 * (stat(f) / (stat(r) + 1e-5) - 1)
        for stat in (
            lambda x: x.abs().mean(0),
            lambda x: x.std(0, unbiased=False),
            lambda x: (x * x).mean(0).sqrt(),
        )
    )
    close(language[path], wanted)


@pytest.mark.parametrize("family", FAMILIES)
def test_pruned_neurons_lose_their_column_and_nothing_else_changes(family, tmp_path):
    before = weights(build(family))
    done = run("manu", tmp_path, {"share": 0.1}, family)
    after = weights(done.vlm)
    vlm = done.vlm
    closing = {f"{paths[-1]}.weight" for paths in mlp_layers(vlm, manu.TOWERS).values()}
    zeroed = {"language": 0, "vision": 0}
    for name, old in before.items():
        if name not in closing:
            assert torch.equal(after[name], old), name
            continue
        dead = (after[name] == 0).all(0)
        assert torch.equal(after[name][:, ~dead], old[:, ~dead])
        zeroed[vlm.roles.role_of(name).split(".")[0]] += int(dead.sum())
    assert zeroed == {"language": round(0.1 * 2 * 48), "vision": round(0.1 * 2 * 40)}
    assert sum(done.notes["language.mlp_neurons"].values()) == zeroed["language"]
    assert done.training is None


def test_released_pruning_zeroes_output_rows_and_biases(tmp_path):
    before = weights(build("llava"))
    done = run("manu", tmp_path, {"share": 0.1, "variant": "released_code"})
    after = weights(done.vlm)
    rows = {"language": 0, "vision": 0}
    for name, old in before.items():
        moved = after[name] != old
        if not moved.any():
            continue
        assert ".mlp" in done.vlm.roles.role_of(name)
        dead = moved.flatten(1).any(1) if old.dim() > 1 else moved
        assert (after[name][dead] == 0).all()
        if old.dim() > 1:
            rows[done.vlm.roles.role_of(name).split(".")[0]] += int(dead.sum())
        else:
            weight = after[name.replace(".bias", ".weight")]
            assert (weight[dead] == 0).all()
    assert rows == {"language": round(0.1 * 2 * (48 + 48 + 32)), "vision": round(0.1 * 2 * (40 + 24))}


def test_manu_works_without_retain_rows_and_refuses_text_alone(tmp_path):
    alone = [row for row in examples() if row.role not in ("anchor", "retain")]
    done = run("manu", tmp_path, rows=alone)
    assert sum(done.notes["language.mlp_neurons"].values()) == round(0.02 * 96)
    with pytest.raises(UserError, match="no forget row with a picture"):
        manu.prune(context_of(rows=text_only()), manu.MANU())


# --- KVW ---------------------------------------------------------------------------------------------------


def test_factors_by_hand():
    found = kvw.factors(torch.tensor([4.0, 1.0, 2.0]), torch.tensor([1.0, 4.0, 2.0]), 0.5)
    assert found.tolist() == pytest.approx([0.5, 1.0, 1.0])


def test_the_layers_of_the_paper():
    assert list(kvw.touched_layers(28)) == list(range(1, 26))
    assert list(kvw.touched_layers(6)) == [1, 2, 3, 4, 5]
    assert list(kvw.touched_layers(2)) == [1]
    assert list(kvw.touched_layers(1)) == [0]


@pytest.mark.parametrize("family", FAMILIES)
def test_weakening_goes_on_from_what_the_last_batch_left(family, tmp_path):
    knobs = {"gamma": 0.4, "passes": 2}
    done = run("kvw", tmp_path, knobs, family)
    context = context_of(family)
    path = mlp_layers(context.vlm, ("language.mlp[1]",))["language.mlp[1]"][-1]
    weight = context.vlm.base.get_submodule(path).weight

    def mean(rows):
        return slow_values(context, rows, path, "input", "answer").abs().mean(0)

    kept = mean(context.of("T3", "T4", "anchor", "yes_no", "retain"))
    for _ in range(2):
        for row in context.of("original"):
            found = mean([row])
            with torch.no_grad():
                for j in range(len(found)):
                    weight[:, j] *= max(1.0, (found[j] / kept[j]).item()) ** -0.4
    after = weights(done.vlm)
    close(after[f"{path}.weight"], weight)
    before = weights(build(family))
    changed = {name for name, old in before.items() if not torch.equal(after[name], old)}
    assert changed == {f"{path}.weight"}
    least = (weight / before[f"{path}.weight"]).min().item()
    assert done.notes["least_factor"] == pytest.approx(least, rel=1e-3)
    assert done.notes["layers"] == ["language.mlp[1]"]


def test_later_batches_see_the_weakened_model():
    context = context_of()
    layers = mlp_layers(context.vlm, ("language.mlp",))
    first, second = context.of("original")
    one = kvw.coefficients(context, [second], [layers["language.mlp[1]"][-1]])
    with torch.no_grad():
        context.vlm.base.get_submodule(layers["language.mlp[0]"][-1]).weight.mul_(0.5)
    two = kvw.coefficients(context, [second], [layers["language.mlp[1]"][-1]])
    assert not torch.allclose(next(iter(one.values())), next(iter(two.values())))
    assert first.id != second.id


def test_small_factors_add_up_in_bfloat16(tmp_path):
    target = build("llava")
    target = replace(target, model=target.model.to(torch.bfloat16))
    knobs = {"gamma": 0.004, "passes": 45}
    done = unlearn(get("kvw", knobs), Work(target, examples(), settings(scope=LORA), tmp_path))
    single = kvw.weaken(
        replace(context_of(), vlm=attach(build("llava"), Scope(("language.mlp",), full=True), seed=0)),
        kvw.KVW(**knobs),
    )
    assert single["least_factor"] < 0.8
    assert done.notes["least_factor"] == pytest.approx(single["least_factor"], rel=0.02)
    name = next(iter(n for n in done.vlm.originals if "layers.1" in n and "down_proj" in n))
    now = dict(done.vlm.model.named_parameters())[name].float()
    assert (now / done.vlm.originals[name].float()).nan_to_num(1.0).min() < 0.82


def test_kvw_needs_rows_to_keep():
    rows = [row for row in examples() if row.role == "original"]
    with pytest.raises(UserError, match="rows to keep"):
        kvw.weaken(context_of(rows=rows), kvw.KVW())


# --- SMFA --------------------------------------------------------------------------------------------------


def test_conflicts_by_hand():
    forget = torch.tensor([[3.0, -4.0], [0.0, 0.1]])
    retain = torch.tensor([[-0.3, -0.4], [0.5, -0.1]])
    rho = math.sqrt(25.01) / math.sqrt(0.51)  # 7.003
    assert 5 * rho * 0.3 > 3.0
    assert smfa.conflicts(forget, retain, 5.0).tolist() == [[False, False], [False, False]]
    assert 1 * rho * 0.3 < 3.0
    assert smfa.conflicts(forget, retain, 1.0).tolist() == [[True, False], [False, False]]
    assert smfa.conflicts(forget, torch.zeros_like(retain), 1.0).sum() == 0


@pytest.mark.parametrize("scope", [LORA, Scope(("language.mlp[1]",), full=True)])
def test_smfa_adds_what_the_two_trainings_leave(scope, tmp_path):
    done = run("smfa", tmp_path / "one", {"k": 0.5}, scope=scope)
    target = build("llava")
    work = Work(target, examples(), settings(scope=scope, passes=2, seed=3), tmp_path / "two")
    changes = {}

    def note(method, name):
        changes[name] = work.train_another(method, name)
        return changes[name]

    context = replace(work.context(target), train=note)
    get("smfa", {"k": 0.5}).edit(context)
    before, after = weights(build("llava")), weights(done.vlm)
    cut = 0
    for name, old in before.items():
        change = changes["forget"].get(name)
        if change is None:
            assert torch.equal(after[name], old)
            continue
        rival = changes["retain"][name]
        rho = (change**2).sum().sqrt() / (rival**2).sum().sqrt()
        keep = ~((change * rival < 0) & (0.5 * rho * rival.abs() < change.abs()))
        cut += int((~keep).sum())
        assert torch.allclose(after[name], old + change * keep, atol=1e-6), name
    assert 0 < cut == done.notes["entries_cut"] < done.notes["entries"]
    held = {name for name in before if scope.holds(done.vlm.roles.role_of(name))}
    assert set(changes["forget"]) <= held


def test_smfa_without_retain_rows_cuts_nothing(tmp_path):
    rows = [row for row in examples() if row.role in ("original", "refusal")]
    done = run("smfa", tmp_path, rows=rows)
    assert done.notes["entries_cut"] == 0


# --- all ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["manu", "kvw", "smfa"])
def test_edits_repeat_switch_off_and_come_back(name, tmp_path):
    one, two = (run(name, tmp_path / f"{i}") for i in range(2))
    first, second = weights(one.vlm), weights(two.vlm)
    assert all(torch.equal(first[n], second[n]) for n in first)
    base, edited = probe_logits(build("llava")), probe_logits(one.vlm)
    assert not torch.equal(base, edited)
    with one.vlm.adapter_off():
        assert torch.equal(probe_logits(one.vlm), base)
    save_adapter(one.vlm, tmp_path / "saved")
    assert torch.equal(probe_logits(load_adapter(build("llava"), tmp_path / "saved")), edited)
    assert torch.equal(probe_logits(merge(one.vlm)), edited)


def test_edit_scope_is_attached(tmp_path):
    assert run("manu", tmp_path / "a").vlm.scope == replace(LORA, parts=manu.TOWERS, full=True)
    assert run("kvw", tmp_path / "b").vlm.scope.parts == ("language.mlp",)
    assert attach(build("llava"), Scope(manu.TOWERS, full=True), seed=0).originals
