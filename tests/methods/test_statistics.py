"""Statistics of the target against one row at a time, the stock forward pass and plain loops."""

import math
from dataclasses import replace

import pytest
import torch

from tests.methods.rows import examples
from tests.packs.plain import plain_forward, plain_logp
from tests.tiny import build
from unsee.methods.activations import Moments, activation_moments, mlp_layers
from unsee.methods.context import Context
from unsee.methods.mmunlearner import ratio
from unsee.methods.statistics import (
    chunks,
    fisher,
    kth_largest,
    mean_gradient,
    scope_weights,
    top_share,
)
from unsee.models.scopes import Scope
from unsee.nouns import UserError
from unsee.packs.features import FeatureCache
from unsee.packs.rows import make_rows

FAMILIES = ("llava", "qwen2_5_vl")


def no_training(method, name):
    raise AssertionError("nothing is trained here")


def context_of(family="llava", rows=None, **changes):
    vlm = build(family)
    vlm.model.requires_grad_(False)
    return Context(vlm, rows or examples(), changes.pop("scope", Scope()), 0, no_training, **changes)


def some_weights(vlm):
    """A weight of every part of the model."""
    wanted = ("language.mlp[1]", "language.attention[0]", "vision.mlp[0]", "projector", "language.embeddings")
    found = {}
    for name, parameter in vlm.model.named_parameters():
        role = vlm.roles.role_of(name)
        if role in wanted and parameter.dim() == 2:
            found.setdefault(role, name)
    assert len(found) == len(wanted)
    return list(found.values())


def slow_gradients(context, rows, names):
    """The gradient of each row's mean answer loss, from a forward pass of its own."""
    vlm = context.vlm
    parameters = dict(vlm.model.named_parameters())
    result = []
    for row, example in zip(make_rows(vlm, rows), rows, strict=True):
        vlm.model.requires_grad_(True)
        vlm.model.zero_grad()
        (-plain_logp(vlm, row, example.prompt, example.answer).mean()).backward()
        result.append({n: (0.0 if (g := parameters[n].grad) is None else g.clone()) for n in names})
    vlm.model.zero_grad(set_to_none=True)
    vlm.model.requires_grad_(False)
    return result


def close(found, wanted):
    scale = wanted.abs().max().clamp(min=1e-12)
    assert float((found - wanted).abs().max() / scale) < 1e-4


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_equal_one_row_at_a_time(family):
    context = context_of(family)
    context = replace(context, features=FeatureCache(context.vlm))  # must not hide the vision tower
    rows = context.of("original", "T3", "anchor")
    names = some_weights(context.vlm)
    slow = slow_gradients(context, rows, names)
    one, two = fisher(context, rows, names), fisher(context, rows, names, rows=2)
    mean = mean_gradient(context, rows, names)
    pairs = [slow[i : i + 2] for i in range(0, len(slow), 2)]
    for name in names:
        assert one[name].dtype == torch.float32
        close(mean[name], sum(g[name] for g in slow) / len(slow))
        close(one[name], sum(g[name] ** 2 for g in slow) / len(slow))
        close(two[name], sum((sum(g[name] for g in pair) / len(pair)) ** 2 for pair in pairs) / len(pairs))


def test_one_gradient_exists_at_a_time_and_nothing_is_left_behind():
    context = context_of()
    parameters = dict(context.vlm.model.named_parameters())
    names = [name for name in parameters if "language" in name]
    asked = parameters[names[0]]
    asked.requires_grad_(True)
    most = []

    def count(parameter):
        most.append(sum(p.grad is not None for p in parameters.values()))

    for name in names:
        parameters[name].requires_grad_(True).register_post_accumulate_grad_hook(count)
    fisher(context, context.of("original"), names)
    assert len(most) >= 2 * (len(names) - 2)
    assert set(most) == {1}
    assert all(p.grad is None for p in parameters.values())
    assert asked.requires_grad
    assert not parameters["lm_head.weight"].requires_grad


def test_chunks_keep_the_order_and_the_size():
    context = context_of()
    names = scope_weights(context)
    sizes = {name: 4 * p.numel() for name, p in context.vlm.model.named_parameters()}
    parts = list(chunks(context.vlm, names, 10_000))
    assert [name for part in parts for name in part] == names
    assert len(parts) > 1
    assert all(sum(sizes[n] for n in part) <= 10_000 for part in parts)
    assert list(chunks(context.vlm, names, 1)) == [[name] for name in names]


def test_what_may_be_selected():
    lora, full = context_of(), context_of(scope=Scope(("language.mlp[1]",), full=True))
    assert all(".weight" in name and "norm" not in name for name in scope_weights(lora))
    assert len(scope_weights(lora)) == 14
    assert {full.vlm.roles.role_of(name) for name in scope_weights(full)} == {"language.mlp[1]"}
    assert len(scope_weights(full)) == 3


def test_kth_largest_equals_sorting():
    generator = torch.Generator().manual_seed(0)
    tensors = [
        torch.rand((3, 4), generator=generator),
        torch.tensor([0.0, 0.0, 1e-40, 1e-8, 0.5, 0.5, 0.5, 3e30]),
        torch.rand((5,), generator=generator) * 1e-6,
    ]
    ordered = sorted((float(v) for t in tensors for v in t.flatten()), reverse=True)
    assert [kth_largest(tensors, k) for k in range(1, len(ordered) + 1)] == ordered


def test_top_share_takes_at_least_one_and_keeps_the_order():
    scores = {"a": 1.0, "b": 3.0, "c": 2.0, "d": 3.0}
    assert top_share(scores, 0.5) == ("b", "d")
    assert top_share(scores, 0.75) == ("b", "c", "d")
    assert top_share(scores, 0.01) == ("b",)
    assert top_share(scores, 1.0) == ("a", "b", "c", "d")


def test_squares_in_float16_underflow_and_sums_in_float32_do_not():
    """Gradients of the size that models of 7B have (about 1e-4) survive float16, their squares do not."""
    context = context_of()
    name = scope_weights(context)[0]
    forget = slow_gradients(context, context.of("original"), [name])
    preserve = slow_gradients(context, context.of("T3", "T4"), [name])
    scale = 1e-4 / max(float(g[name].abs().max()) for g in (*forget, *preserve))
    halves = [[(g[name] * scale).half() for g in part] for part in (forget, preserve)]
    true = [sum(g.double() ** 2 for g in part) / len(part) for part in halves]
    truth = (true[0] + 1e-15) / (true[1] + 1e-15) >= 1

    low = [sum(g * g for g in part) / len(part) for part in halves]
    lost = (low[0] == 0) & (low[1] == 0)
    assert lost.float().mean() > 0.5
    broken = low[0] / low[1]
    assert broken.isnan().float().mean() > 0.5
    assert not (broken >= 1)[lost].any()
    assert (truth & lost).sum() > 50  # entries that belong into the mask and are gone

    single = [sum(g.float() ** 2 for g in part) / len(part) for part in halves]
    assert torch.equal(ratio(*single) >= 1, truth)


def test_moments_by_hand():
    moments = Moments.empty(2)
    moments.add(torch.tensor([[1.0, -2.0], [3.0, 0.05]]), 0.1)
    moments.add(torch.tensor([[-1.0, 0.0]]), 0.1)
    assert moments.count == 3
    assert moments.mean_absolute.tolist() == pytest.approx([5 / 3, 2.05 / 3])
    assert moments.frequency.tolist() == pytest.approx([1.0, 1 / 3])
    assert moments.mean_square.tolist() == pytest.approx([11 / 3, (4 + 0.0025) / 3])
    assert moments.variance.tolist() == pytest.approx([11 / 3 - 1, 4.0025 / 3 - 0.65**2])
    assert Moments.empty(1).mean_absolute.tolist() == [0.0]


def slow_values(context, rows, path, site, positions):
    """Inputs or outputs of a layer at the positions asked for, row after row: (n, F)."""
    found = []
    layer = context.vlm.base.get_submodule(path)
    for row, example in zip(make_rows(context.vlm, rows), rows, strict=True):
        seen = []
        handle = layer.register_forward_hook(
            lambda m, inputs, output, seen=seen: seen.append(inputs[0] if site == "input" else output)
        )
        with torch.no_grad():
            plain_forward(context.vlm, row, example.prompt, example.answer)
        handle.remove()
        if seen:
            values = seen[0].reshape(-1, seen[0].shape[-1])
            if positions == "answer":
                values = values[row.answer_start - 1 : len(row.ids) - 1]
            found.append(values)
    return torch.cat(found)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("part", "site", "positions"),
    [
        ("language.mlp[1]", "input", "answer"),
        ("language.mlp[0]", "input", "all"),
        ("language.mlp[1]", "output", "all"),
        ("vision.mlp[1]", "input", "all"),
        ("vision.mlp[0]", "output", "all"),
    ],
)
def test_moments_equal_one_row_at_a_time(family, part, site, positions):
    context = context_of(family)
    context = replace(context, features=FeatureCache(context.vlm))
    rows = context.of("original", "T3", "anchor")
    path = mlp_layers(context.vlm, (part,))[part][-1]
    moments = activation_moments(context, rows, [path], site=site, positions=positions, threshold=0.2)[path]
    values = slow_values(context, rows, path, site, positions)
    assert moments.count == len(values)
    for j in range(0, values.shape[1], 7):
        column = values[:, j].tolist()
        mean = sum(column) / len(column)
        assert moments.mean_absolute[j].item() == pytest.approx(sum(map(abs, column)) / len(column), rel=1e-4)
        assert moments.frequency[j].item() == pytest.approx(
            sum(abs(v) > 0.2 for v in column) / len(column), abs=1.5 / len(column)
        )
        assert moments.mean_square[j].item() == pytest.approx(
            math.fsum(v * v for v in column) / len(column), rel=1e-4
        )
        assert moments.variance[j].item() == pytest.approx(
            math.fsum((v - mean) ** 2 for v in column) / len(column), rel=1e-3, abs=1e-9
        )


def test_neurons_are_found_by_structure():
    llava, qwen = build("llava"), build("qwen2_5_vl")
    found = mlp_layers(llava, ("language.mlp", "vision.mlp"))
    assert {role: paths[-1].rpartition(".")[2] for role, paths in found.items()} == {
        "language.mlp[0]": "down_proj",
        "language.mlp[1]": "down_proj",
        "vision.mlp[0]": "fc2",
        "vision.mlp[1]": "fc2",
    }
    found = mlp_layers(qwen, ("language.mlp[1]", "vision.mlp[0]"))
    assert set(found) == {"language.mlp[1]", "vision.mlp[0]"}
    assert all(len(paths) == 3 for paths in found.values())
    with pytest.raises(UserError, match="neurons"):
        mlp_layers(llava, ("projector",))
