"""Objectives over all positions on packs equal full logits of one row at a time, and of padded rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tests.packs.plain import plain_forward, processor_inputs
from tests.packs.test_exact import examples, gradients
from tests.packs.test_tables import with_adapter
from tests.tiny import build, picture
from unsee.models.adapters import Scope, attach
from unsee.models.load import VLM
from unsee.nouns import Example, UserError
from unsee.packs.cost import Cost
from unsee.packs.everywhere import forward_everywhere
from unsee.packs.pack import build_packs, collate
from unsee.packs.rows import Row, make_rows
from unsee.packs.tokens import TokenTable, forward

ALL = frozenset({"T1"})


def all_logits(vlm: VLM, row: Row, sample: Example) -> Tensor:
    """(T, V) at every position of the row, its last one included."""
    return plain_forward(vlm, row, sample.prompt, sample.answer).logits[0].float()[: len(row.ids)]


def all_log_probs(vlm: VLM, row: Row, sample: Example) -> Tensor:
    return torch.log_softmax(all_logits(vlm, row, sample), dim=-1)


def run(vlm: VLM, rows: list[Row], wanted: dict[str, frozenset[str]], cost: Cost | None = None) -> TokenTable:
    packs = build_packs(vlm, rows)
    return forward_everywhere(vlm, collate(vlm, packs), packs, wanted, cost=cost, block=16)


def close(found: dict[str, Tensor], expected: dict[str, Tensor]) -> bool:
    assert found.keys() == expected.keys()
    size = sum(float(expected[n].pow(2).sum()) for n in expected) ** 0.5
    return sum(float((found[n] - expected[n]).pow(2).sum()) for n in expected) ** 0.5 <= 2e-5 * size


# --- likelihood of the next token ------------------------------------------------------------------------


def padded(vlm: VLM, rows: list[Row], samples: list[Example]) -> tuple[dict[str, Tensor], Tensor]:
    """Rows padded on the right as a collator has them: inputs, and labels = input_ids with padding -100."""
    made: list[dict[str, Any]] = []
    for row, sample in zip(rows, samples, strict=True):
        inputs = processor_inputs(vlm, sample.prompt, row.picture, sample.answer)
        made.append(
            {key: value for key, value in inputs.items() if key not in ("input_ids", "attention_mask")}
        )
    length = max(len(row.ids) for row in rows)
    pad = vlm.tokenizer.pad_token_id
    ids = torch.tensor([[*row.ids, *[pad] * (length - len(row.ids))] for row in rows])
    mask = torch.tensor([[1] * len(row.ids) + [0] * (length - len(row.ids)) for row in rows])
    together = {"input_ids": ids, "attention_mask": mask}
    for key in made[0]:
        kind = key == "mm_token_type_ids"
        together[key] = (ids == vlm.chat.image_token_id).int() if kind else torch.cat([x[key] for x in made])
    return together, ids.masked_fill(mask == 0, -100)


def about_pictures() -> list[Example]:
    """Texts of three lengths about two pictures."""
    return [sample for sample in examples() if sample.picture is not None]


@pytest.mark.parametrize("count", [1, 4])
def test_likelihood_is_the_loss_of_a_model_that_has_its_input_as_labels(vlm: VLM, count: int) -> None:
    """``model(input_ids, labels=input_ids with padding -100).loss``, the released call, and torch alone."""
    vlm, samples = with_adapter(vlm), about_pictures()[:count]
    rows = make_rows(vlm, samples)
    assert len({len(row.ids) for row in rows}) == min(count, 4)
    inputs, labels = padded(vlm, rows, samples)
    assert (labels == vlm.chat.image_token_id).sum() >= 4 * count, "placeholders are labels like any token"
    out = vlm.model(**inputs, labels=labels)
    logits = out.logits[:, :-1].float().flatten(0, 1)
    expected = functional.cross_entropy(logits, labels[:, 1:].flatten(), ignore_index=-100)
    torch.testing.assert_close(out.loss, expected)
    slow = gradients(vlm, expected)
    found = run(vlm, rows, {"nll": ALL}).everywhere["nll"]
    mean = found.sum() / sum(len(row.ids) - 1 for row in rows)
    torch.testing.assert_close(mean, expected, rtol=1e-5, atol=0)
    assert close(gradients(vlm, mean), slow)


def test_likelihood_of_each_row(vlm: VLM) -> None:
    """With texts that see no picture; shared tokens count for each of their rows, other roles get 0."""
    vlm = with_adapter(vlm)
    samples = [replace(s, role="retain" if i % 3 else "T1") for i, s in enumerate(examples())]
    rows, weights = make_rows(vlm, samples), torch.linspace(0.5, 2, len(samples))
    expected = []
    for row, sample in zip(rows, samples, strict=True):
        logits, labels = all_logits(vlm, row, sample), torch.tensor(row.ids)
        nll = functional.cross_entropy(logits[:-1], labels[1:], reduction="sum")
        expected.append(nll * (row.role == "retain"))
    slow = gradients(vlm, (torch.stack(expected) * weights).sum())
    table = run(vlm, rows, {"nll": frozenset({"retain"})})
    found = table.everywhere["nll"]
    torch.testing.assert_close(found, torch.stack(expected).detach(), rtol=1e-5, atol=1e-6)
    assert [float(x) for x in found.detach()[::3]] == [0.0] * len(found[::3])
    assert close(gradients(vlm, (found * weights).sum()), slow)
    assert found[1] > table.sum_by_row(-table.logp)[1] + 1, "the prompt counts too"


@pytest.mark.parametrize("family", ["qwen3_5", "gemma3", "mllama"])
def test_likelihood_in_other_layouts(family: str) -> None:
    """Rows of their own, pictures that see themselves in both directions, layers that look at pictures."""
    vlm, samples = build(family), about_pictures()
    rows = make_rows(vlm, samples)
    with torch.no_grad():
        found = run(vlm, rows, {"nll": ALL}).everywhere["nll"]
        pairs = [
            (all_logits(vlm, *pair), torch.tensor(pair[0].ids)) for pair in zip(rows, samples, strict=True)
        ]
    expected = [functional.cross_entropy(logits[:-1], ids[1:], reduction="sum") for logits, ids in pairs]
    torch.testing.assert_close(found, torch.stack(expected), rtol=1e-5, atol=0)


def test_likelihood_trains_a_head() -> None:
    vlm = attach(build("llava"), Scope(parts=("head",), full=True), seed=0)
    samples = examples()
    rows = make_rows(vlm, samples)
    losses = [
        functional.cross_entropy(all_logits(vlm, r, s)[:-1], torch.tensor(r.ids)[1:], reduction="sum")
        for r, s in zip(rows, samples, strict=True)
    ]
    slow = gradients(vlm, torch.stack(losses).sum())
    assert close(gradients(vlm, run(vlm, rows, {"nll": ALL}).everywhere["nll"].sum()), slow)


def test_the_receipt_counts_what_goes_through_the_head(vlm: VLM) -> None:
    """Every token of a pack but those that begin a row is predicted once, and again for the gradient."""
    vlm, cost, seen = with_adapter(vlm), Cost(), list[int]()
    rows = make_rows(vlm, examples())
    head = vlm.base.get_output_embeddings()
    hook = head.register_forward_hook(lambda _, inputs, output: seen.append(output.shape[:-1].numel()))
    run(vlm, rows, {"nll": ALL}, cost).everywhere["nll"].sum().backward()
    hook.remove()
    packs = build_packs(vlm, rows)
    predicted = sum(len(pack.parents) - pack.parents.count(-1) for pack in packs)
    assert cost.head_rows == sum(seen) == collate(vlm, packs).head_rows + 2 * predicted
    assert (cost.forwards, cost.reference_forwards, cost.row_by_row.model_copies) == (1, 0, 0)
    assert cost.row_by_row.head_rows == sum(len(row.ids) for row in rows) > predicted


def test_a_token_unknown_to_the_head_is_refused() -> None:
    vlm = build("llava")
    vlm.base.config.get_text_config().vocab_size = vlm.chat.image_token_id
    with pytest.raises(UserError, match="does not know") as error:
        run(vlm, make_rows(vlm, examples()), {"nll": ALL})
    assert "<image>" in error.value.got


# --- divergences from the target -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["kl", "reverse_kl"])
def test_divergence_summed_over_every_position(vlm: VLM, name: str) -> None:
    """Against full softmaxes of one row at a time; rows of other roles get 0."""
    vlm = with_adapter(vlm)
    samples = [replace(s, role="retain" if i % 2 else "T1") for i, s in enumerate(examples())]
    rows, weights = make_rows(vlm, samples), torch.linspace(0.5, 2, len(samples))
    expected = []
    for row, sample in zip(rows, samples, strict=True):
        with torch.no_grad(), vlm.adapter_off():
            target = all_log_probs(vlm, row, sample)
        model = all_log_probs(vlm, row, sample)
        p, q = (target, model) if name == "kl" else (model, target)
        expected.append((p.exp() * (p - q)).sum() * (row.role == "retain"))
    slow = gradients(vlm, (torch.stack(expected) * weights).sum())
    cost = Cost()
    table = run(vlm, rows, {name: frozenset({"retain"})}, cost)
    torch.testing.assert_close(table.logits, forward(vlm, collate(vlm, build_packs(vlm, rows))).logits)
    found = table.everywhere[name]
    torch.testing.assert_close(found, torch.stack(expected).detach(), rtol=1e-4, atol=1e-6)
    assert [float(x) for x in found.detach()[::2]] == [0.0] * len(found[::2])
    assert close(gradients(vlm, (found * weights).sum()), slow)
    assert (cost.forwards, cost.reference_forwards, cost.row_by_row.model_copies) == (2, 1, 1)


def test_the_sum_is_what_batchmean_of_a_tensor_with_three_axes_is() -> None:
    """The released call on rows of one length: the mean over rows of the sums over positions."""
    vlm = with_adapter(build("llava"))
    prompt, told = "Who is this person?", "This is Jane Roe."
    samples = [Example(str(i), prompt, told, "retain", picture(i)) for i in (1, 2, 3)]
    rows = make_rows(vlm, samples)
    with torch.no_grad():
        student = torch.stack([all_log_probs(vlm, *pair) for pair in zip(rows, samples, strict=True)])
        with vlm.adapter_off():
            target = torch.stack([all_log_probs(vlm, *pair) for pair in zip(rows, samples, strict=True)])
        table = run(vlm, rows, {"kl": frozenset({"retain"})})
    released = functional.kl_div(student, target.exp(), reduction="batchmean")
    torch.testing.assert_close(table.everywhere["kl"].mean(), released, rtol=1e-5, atol=0)
    per_token = (target.exp() * (target - student)).sum(-1).mean()
    torch.testing.assert_close(released, per_token * len(rows[0].ids), rtol=1e-5, atol=0)


def test_both_from_one_pass() -> None:
    vlm, cost = with_adapter(build("llava")), Cost()
    rows = make_rows(vlm, examples())
    alone = [run(vlm, rows, {name: ALL}).everywhere[name] for name in ("nll", "kl", "reverse_kl")]
    both = run(vlm, rows, dict.fromkeys(("kl", "nll", "reverse_kl"), ALL), cost).everywhere
    for found, expected in zip((both["nll"], both["kl"], both["reverse_kl"]), alone, strict=True):
        torch.testing.assert_close(found, expected)
    assert (cost.forwards, cost.reference_forwards) == (2, 1)


def test_no_logits_of_all_positions_are_kept(vlm: VLM) -> None:
    vlm = with_adapter(vlm)
    rows = make_rows(vlm, examples())
    vocabulary = vlm.base.get_output_embeddings().weight.shape[0]
    kept: list[int] = []

    def note(x: Tensor) -> Tensor:
        kept.append(x.numel() // vocabulary if x.shape[-1:] == (vocabulary,) else 0)
        return x

    with torch.autograd.graph.saved_tensors_hooks(note, lambda x: x):
        run(vlm, rows, {"nll": ALL, "kl": ALL})
    assert sum(kept) <= vlm.base.get_output_embeddings().weight.shape[1]  # the head's weight itself, once


def test_a_head_that_trains_is_refused() -> None:
    vlm = attach(build("llava"), Scope(parts=("head",), full=True), seed=0)
    with pytest.raises(UserError, match="needs a frozen head"):
        run(vlm, make_rows(vlm, examples()), {"kl": ALL})


@pytest.mark.parametrize("name", ["nll", "kl"])
def test_logits_that_are_changed_behind_the_head_are_refused(name: str) -> None:
    vlm = build("llava")
    vlm.base.config.get_text_config().final_logit_softcapping = 30.0
    with pytest.raises(UserError, match="behind the vocabulary head"):
        run(vlm, make_rows(vlm, examples()), {name: ALL})
