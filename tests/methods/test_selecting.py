"""Methods that choose where to train: the choice against plain loops, the training against the choice."""

from dataclasses import replace

import pytest
import torch
from PIL import Image

from tests.methods.rows import examples, text_only
from tests.methods.test_statistics import FAMILIES, context_of, slow_gradients
from tests.packs.plain import plain_logp
from tests.tiny import build, picture
from tests.training.rows import settings, weights
from unsee.methods import mmunlearner, pava, salun
from unsee.methods.registry import get
from unsee.models.adapters import Scope, attach
from unsee.models.pictures import from_image
from unsee.models.sine import sine_layers
from unsee.nouns import UserError
from unsee.packs.rows import make_rows
from unsee.training.unlearn import Work, unlearn

FULL = Scope(("language.mlp[1]", "projector"), full=True)
LORA = Scope(("language",), rank=2, alpha=4)


def run(name, folder, knobs=None, family="llava", rows=None, **changes):
    values = {"scope": LORA, "passes": 2, "seed": 3, **changes}
    work = Work(build(family), rows or examples(), settings(**values), folder)
    return unlearn(get(name, knobs), work)


def adapted(vlm):
    return {path for path, module in vlm.base.named_modules() if hasattr(module, "lora_A")}


def agree(found, wanted, distance):
    """Masks are equal but where the score lies within rounding of the bar."""
    assert ((found == wanted) | (distance.abs() < 1e-4)).all()


# --- SalUn -------------------------------------------------------------------------------------------------


def test_salun_ranks_all_weights_or_each_tensor():
    scores = {"a": torch.tensor([[0.0, 4.0], [3.0, 2.0]]), "b": torch.tensor([9.0, 8.0, 0.0, 7.0])}

    def chosen(**knobs):
        masks = salun.weight_masks(scores, salun.SalUn(**knobs))
        return masks["a"].flatten().tolist(), masks["b"].tolist()

    assert chosen(share=0.5) == ([False, True, False, False], [True, True, False, True])
    assert chosen(share=0.5, ranking="tensor") == ([False, True, True, False], [True, True, False, False])
    assert chosen(share=1.0) == ([False, True, True, True], [True, True, False, True])  # never a score of 0
    assert chosen(share=0.01) == ([False] * 4, [True, False, False, False])


@pytest.mark.parametrize("family", FAMILIES)
def test_salun_masks_equal_plain_loops(family):
    context = context_of(family, scope=FULL)
    method = get("salun", {"share": 0.3})
    prepared = method.prepare(context)
    rows = context.of("original")
    names = list(prepared.gate.masks)
    assert {context.vlm.roles.role_of(name) for name in names} == {"language.mlp[1]", "projector"}
    slow = slow_gradients(context, rows, names)
    scores = {name: abs(sum(g[name] for g in slow)) for name in names}
    ordered = sorted((v for score in scores.values() for v in score.flatten().tolist()), reverse=True)
    bar = ordered[round(0.3 * len(ordered)) - 1]
    for name in names:
        agree(prepared.gate.masks[name], scores[name] >= bar, scores[name] / bar - 1)
    assert prepared.gate.sides == {"forget", "retain"}
    assert prepared.notes["weights"] == len(ordered)
    assert prepared.notes["weights_chosen"] == pytest.approx(0.3 * len(ordered), rel=0.01)


@pytest.mark.parametrize("loss", ["mismatch", "refusal", "ascent"])
def test_salun_moves_chosen_weights_alone(loss, tmp_path):
    knobs = {"loss": loss, "share": 0.2}
    masks = get("salun", knobs).prepare(context_of(scope=FULL)).gate.masks
    before = weights(build("llava"))
    after = weights(run("salun", tmp_path, knobs, scope=FULL).vlm)
    for name, old in before.items():
        moved = after[name] != old
        assert not (moved & ~masks[name]).any() if name in masks else not moved.any()
    share = sum(int((after[n] != before[n]).sum()) for n in masks) / sum(int(m.sum()) for m in masks.values())
    assert share > 0.9


def test_salun_under_lora_takes_the_modules_with_the_largest_mean(tmp_path):
    context = context_of(scope=LORA)
    names = [f"{path}.weight" for path in adapted(attach(build("llava"), LORA, seed=0))]
    slow = slow_gradients(context, context.of("original"), names)
    means = {name: abs(sum(g[name] for g in slow)).mean().item() for name in names}
    best = {n.removesuffix(".weight") for n in sorted(names, key=lambda n: -means[n])[:4]}
    done = run("salun", tmp_path, {"share": 0.3})
    assert adapted(done.vlm) == best
    assert set(done.notes["modules_chosen"]) == best
    assert done.notes["modules"] == 14


def test_a_share_out_of_range_is_refused():
    for name in ("salun", "mmunlearner", "manu"):
        for share in (0.0, 1.5):
            with pytest.raises(UserError, match="share is not accepted"):
                get(name, {"share": share})


# --- MMUnlearner -------------------------------------------------------------------------------------------


def test_the_ratio_by_hand():
    found = mmunlearner.ratio(torch.tensor([4.0, 1.0, 0.0, 1e-16]), torch.tensor([2.0, 2.0, 0.0, 0.0]))
    assert found.tolist() == pytest.approx([2.0, 0.5, 1.0, 1.1])


@pytest.mark.parametrize("family", FAMILIES)
def test_mmunlearner_masks_equal_plain_loops(family):
    context = context_of(family, scope=FULL)
    prepared = get("mmunlearner").prepare(context)
    names = list(prepared.gate.masks)
    forget = slow_gradients(context, context.of("original"), names)
    preserve = context.of("T3", "T4", "anchor", "yes_no", "retain")
    shown = slow_gradients(context, [row for row in preserve if row.picture], names)
    every = slow_gradients(context, preserve, names)
    masks = []
    for name in names:
        kept = shown if context.vlm.roles.role_of(name) == "projector" else every
        lost = sum(g[name] ** 2 for g in forget) / len(forget)
        stays = sum(g[name] ** 2 for g in kept) / len(kept)
        found = (lost + 1e-15) / (stays + 1e-15)
        agree(prepared.gate.masks[name], found >= 1, found - 1)
        masks.append(found.flatten() >= 1)
    assert 0.02 < torch.cat(masks).float().mean() < 0.98
    assert prepared.gate.sides == {"forget"}
    assert get("mmunlearner").schedule.every == 1


def test_released_mmunlearner_squares_batch_means_of_some_weights():
    scope = Scope(("language",), full=True)
    context = context_of(scope=scope)
    prepared = get("mmunlearner", {"variant": "released_code", "batch": 2}).prepare(context)
    names = list(prepared.gate.masks)
    assert "model.language_model.embed_tokens.weight" not in names
    assert not any("norm" in name for name in names)
    assert len(names) == 14
    name = next(n for n in names if "down_proj" in n)

    def batched(rows):
        slow = slow_gradients(context, rows, [name])
        pairs = [slow[i : i + 2] for i in range(0, len(slow), 2)]
        return sum((sum(g[name] for g in pair) / len(pair)) ** 2 for pair in pairs) / len(pairs)

    found = batched(context.of("original")) / batched(context.of("T3", "T4", "anchor", "yes_no", "retain"))
    agree(prepared.gate.masks[name], found >= 1, found - 1)


def test_released_mask_is_empty_under_lora_and_training_is_graddiff(tmp_path):
    full = Scope(("language",), full=True)
    released = {"variant": "released_code"}
    masks = get("mmunlearner", released).prepare(context_of(scope=full)).gate.masks
    lora = attach(build("llava"), LORA, seed=0)
    trained = {name for name, p in lora.model.named_parameters() if p.requires_grad}
    assert len(masks) == 14
    assert len(trained) == 28
    assert not masks.keys() & trained

    done = run("mmunlearner", tmp_path / "one", released)
    plain = run("grad_diff", tmp_path / "two", {"schedule": "alternate"})
    one, two = weights(done.vlm), weights(plain.vlm)
    assert all(torch.equal(one[name], two[name]) for name in two)
    assert "nothing is masked" in done.notes["mask"]
    assert adapted(run("mmunlearner", tmp_path / "three").vlm) < adapted(done.vlm)


def test_mmunlearner_under_lora_takes_the_modules_with_the_largest_ratio(tmp_path):
    context = context_of(scope=LORA)
    names = [f"{path}.weight" for path in adapted(attach(build("llava"), LORA, seed=0))]

    def total(rows):
        slow = slow_gradients(context, rows, names)
        return {name: sum((g[name] ** 2).sum().item() for g in slow) / len(slow) for name in names}

    forget, preserve = (
        total(context.of("original")),
        total(context.of("T3", "T4", "anchor", "yes_no", "retain")),
    )
    ranked = sorted(names, key=lambda name: -forget[name] / preserve[name])
    done = run("mmunlearner", tmp_path, {"share": 0.2})
    assert adapted(done.vlm) == {name.removesuffix(".weight") for name in ranked[:3]}


def test_mmunlearner_refuses_what_it_cannot_do():
    with pytest.raises(UserError, match="LoRA trains none"):
        get("mmunlearner", {"variant": "paper"}).prepare(context_of(scope=LORA))
    with pytest.raises(UserError, match="lower the threshold"):
        get("mmunlearner", {"threshold": 1e30}).prepare(context_of(scope=FULL))
    get("mmunlearner", {"variant": "paper"}).prepare(context_of(scope=FULL))


# --- PAVA --------------------------------------------------------------------------------------------------


def test_a_quarter_of_the_layers_without_the_first_two():
    assert pava.choose_layers([9.0, 8.0, 1.0, 3.0, 2.0, 0.5, 0.1, 0.2]) == (3, 4)
    assert pava.choose_layers([9.0, 8.0, 1.0, 3.0, 2.0, 0.5]) == (3,)
    assert pava.choose_layers([1.0, 2.0]) == (1,)
    assert pava.choose_layers([0.5]) == (0,)


@pytest.mark.parametrize("family", FAMILIES)
def test_effects_equal_one_row_and_one_layer_at_a_time(family):
    context = context_of(family)
    vlm = context.vlm
    rows = context.of("original")
    other = pava.other_picture(context, rows[0].picture)
    layers = vlm.base.get_submodule(vlm.roles.layers)

    def score(example):
        row = make_rows(vlm, [example])[0]
        with torch.no_grad():
            return plain_logp(vlm, row, example.prompt, example.answer).sum().item()

    wanted = []
    for layer in layers:
        gains = []
        for example in rows:
            start, stop = make_rows(vlm, [example])[0].image_span
            clean = []
            handle = layer.mlp.register_forward_hook(lambda m, i, o, clean=clean: clean.append(o.clone()))
            score(example)
            handle.remove()
            swapped = replace(example, picture=other)
            corrupted = score(swapped)

            def patch(module, inputs, output, clean=clean, start=start, stop=stop):
                output = output.clone()
                output[0, start:stop] = clean[0][0, start:stop]
                return output

            handle = layer.mlp.register_forward_hook(patch)
            gains.append(score(swapped) - corrupted)
            handle.remove()
        wanted.append(sum(gains) / len(gains))
    # differences of likelihoods that are far larger than the effects, so float32 leaves fewer digits
    torch.testing.assert_close(pava.trace(context), torch.tensor(wanted), rtol=1e-3, atol=5e-5)
    assert max(map(abs, wanted)) > 1e-3


@pytest.mark.parametrize("family", FAMILIES)
def test_the_other_picture_takes_the_same_image_tokens(family):
    wide = from_image(picture(2).read().resize((96, 24), Image.Resampling.BILINEAR))
    rows = [r if r.role != "anchor" else replace(r, picture=wide) for r in examples()]
    context = context_of(family, rows)
    shown = context.of("original")[0].picture
    other = pava.other_picture(context, shown)
    assert other.read().size == shown.read().size
    assert other.hash not in (shown.hash, wide.hash)
    assert pava.trace(context).shape == (2,)
    alone = context_of(family, [row for row in rows if row.role != "anchor"])
    noise = pava.other_picture(alone, shown)
    assert noise.read().size == shown.read().size
    assert noise.hash != shown.hash
    assert pava.trace(alone).abs().max() > 0


@pytest.mark.parametrize("family", FAMILIES)
def test_pava_trains_the_traced_layer_alone(family, tmp_path):
    done = run("pava", tmp_path / "one", family=family)
    effects = done.notes["effects"]
    best = max(range(2), key=lambda layer: effects[layer])
    assert done.notes["layers"] == [best]
    assert {done.vlm.roles.role_of(path) for path in adapted(done.vlm)} == {f"language.mlp[{best}]"}
    assert len(adapted(done.vlm)) == 3
    given = run("pava", tmp_path / "two", {"layers": [1 - best]}, family=family)
    assert given.notes == {"layers": [1 - best]}
    assert {done.vlm.roles.role_of(path) for path in adapted(given.vlm)} == {f"language.mlp[{1 - best}]"}


def test_pava_terms():
    terms = {term.name: term for term in get("pava").terms}
    assert terms["looks_ce"].weight == 3.0
    assert terms["looks_ce"].roles == {"looks"}
    assert terms["npo"].roles == {"original"}
    assert not any(term.roles & {"T3", "T4", "anchor", "yes_no", "retain"} for term in terms.values())


def test_pava_needs_a_picture():
    with pytest.raises(UserError, match="no forget row with a picture"):
        get("pava").prepare(context_of(rows=text_only()))
    with pytest.raises(UserError, match="does not have"):
        attach(build("llava"), get("pava", {"layers": [7]}).prepare(context_of()).scope, seed=0)


# --- SineProject -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("loss", ["npo", "po_pd"])
def test_sineproject_trains_the_users_scope_and_the_sine(family, loss, tmp_path):
    before = weights(build(family))
    done = run("sineproject", tmp_path, {"loss": loss}, family=family)
    layers = dict(sine_layers(done.vlm.base))
    assert {done.vlm.roles.role_of(path) for path in layers} == {"projector"}
    start = {
        path: layer.sine_angle
        for path, layer in sine_layers(attach(build(family), done.vlm.scope, seed=3).base)
    }
    for path, layer in layers.items():
        assert torch.equal(layer.weight, before[f"{path}.weight"])
        assert not torch.equal(layer.sine_angle, start[path])
    assert len(adapted(done.vlm)) == 14
    assert done.vlm.scope == replace(LORA, sine=("projector",))
