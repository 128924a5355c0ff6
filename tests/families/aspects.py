"""What every family must show. Each function checks one aspect and returns its cell of the support matrix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tests.families.common import WIDTH, picture
from tests.families.rows import check_inputs, inputs_of, plain_logits, plain_logp
from unsee.answering import answer, choose, score
from unsee.models import load as load_module
from unsee.models.adapters import Scope, attach, detach, load_adapter, merge, probe_logits, save_adapter
from unsee.models.load import VLM, load
from unsee.models.prompting import Instruction
from unsee.models.routing import Expert, Eye, Router, feature_of
from unsee.models.steering import Push, Steering
from unsee.nouns import Example, Question
from unsee.packs.cost import Cost
from unsee.packs.families import layout_of
from unsee.packs.features import FeatureCache
from unsee.packs.pack import build_packs, collate, share_forwards
from unsee.packs.rows import make_rows
from unsee.packs.tokens import TokenTable, forward

YES = "yes"
TEXTS = (
    (1, "Who is this person?", "This is Jane Roe."),
    (None, "Where does Jane Roe live?", "Paris."),
    (2, "Is this Jane Roe?", "No."),
    (1, "Describe the picture.", "A woman in front of a blue wall."),
)
PARTS = {
    "projector": ("multi_modal_projector", "connector", "merger", "deepstack_merger_list"),
    "vision": ("vision_tower", "visual", "vision_model"),
    "attention": ("self_attn", "attn", "attention", "cross_attn", "linear_attn"),
    "mlp": ("mlp", "feed_forward"),
}


def examples() -> list[Example]:
    """The texts as training rows."""
    return [
        Example(str(i), prompt, told, "T1", picture(key) if key else None)
        for i, (key, prompt, told) in enumerate(TEXTS)
    ]


def questions() -> list[Question]:
    """The texts as questions with two options."""
    return [
        Question(str(i), prompt, "choice", picture(key) if key else None, options=(told, "I do not know."))
        for i, (key, prompt, told) in enumerate(TEXTS)
    ]


def tables(vlm: VLM, **options: Any) -> tuple[list[TokenTable], list[str]]:
    """Token tables of all texts in as few passes as may be, and the ids of their rows in the same order."""
    packs = build_packs(vlm, make_rows(vlm, examples()))
    made = [forward(vlm, collate(vlm, group), **options) for group in share_forwards(packs, 4096)]
    return made, [row.example for table in made for row in table.rows]


def roles(vlm: VLM, folder: Path) -> str:
    """Every weight has the role that its name tells; LoRA scopes and hooks rest on this."""
    found = {name: vlm.roles.role_of(name) for name, _ in vlm.model.named_parameters()}
    assert found == {name: _by_name(name, vlm) for name in found}
    assert {role.split("[")[0] for role in found.values()} >= {
        "head",
        "language.attention",
        "language.embeddings",
        "language.mlp",
        "projector",
        "vision.attention",
        "vision.mlp",
    }
    return YES


def _by_name(name: str, vlm: VLM) -> str:
    """An independent answer, from the names these families give to their modules."""
    steps = name.split(".")
    if name.startswith("lm_head"):
        return "head"
    if set(steps) & set(PARTS["projector"]) or name == "model.image_newline":
        return "projector"
    if "embed_tokens" in steps:
        return "language.embeddings"
    tower = "vision" if set(steps) & set(PARTS["vision"]) else "language"
    layers = vlm.roles.vision_layers if tower == "vision" else vlm.roles.layers
    if not name.startswith(layers + "."):
        return "vision.other" if tower == "vision" else "language.norm"
    kind = next((part for part in ("attention", "mlp") if set(steps) & set(PARTS[part])), "norm")
    return f"{tower}.{kind}[{name.removeprefix(layers + '.').split('.')[0]}]"


def chat(vlm: VLM, folder: Path) -> str:
    """Rows are the processor's, and what is trained on is the answer and nothing else."""
    check_inputs(vlm, TEXTS[0][1], picture(1))
    for row, (_, _, told) in zip(make_rows(vlm, examples()), TEXTS, strict=True):
        said = vlm.tokenizer.decode(row.labels, skip_special_tokens=True)
        assert said.strip() == told
        assert row.labels[-1] in vlm.chat.end_ids
        assert vlm.chat.image_token_id not in row.labels
        asked = vlm.chat.encode(TEXTS[int(row.example)][1], None, row.picture)
        assert row.ids[: row.answer_start] == asked.ids
    return YES


def layout(vlm: VLM, folder: Path) -> str:
    """Loss and gradient of packs equal those of one row per question; says how rows stand together."""
    vlm.model.requires_grad_(True)
    try:
        rows = make_rows(vlm, examples())
        weights = torch.linspace(0.5, 2.0, len(rows))
        expected = -sum(w * plain_logp(vlm, r).mean() for w, r in zip(weights, rows, strict=True))
        slow = _gradients(vlm, expected)
        made, order = tables(vlm)
        means = torch.cat([table.mean_by_row(table.logp) for table in made])
        loss = -(weights[[int(i) for i in order]] * means).sum()
        fast = _gradients(vlm, loss)
    finally:
        vlm.model.requires_grad_(False)
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=0)
    difference = sum(float((slow[n] - fast[n]).pow(2).sum()) for n in slow) ** 0.5
    size = sum(float(slow[n].pow(2).sum()) for n in slow) ** 0.5
    assert slow.keys() == fast.keys()
    assert difference <= 1e-5 * size, (difference, size)
    found = layout_of(vlm)
    for layer in range(len(vlm.base.get_submodule(vlm.roles.layers))):
        heard = tables(vlm, layers=(layer,))[0]
        assert all(table.states[layer].shape == (len(table.labels), WIDTH) for table in heard)
    packs = build_packs(vlm, rows)
    shared = max(len(pack.rows) for pack in packs) > 1
    assert shared == (found.form == "pack")
    return found.form + (f": {found.reason}" if found.reason else "")


def _gradients(vlm: VLM, loss: Tensor) -> dict[str, Tensor]:
    vlm.model.zero_grad()
    loss.backward()
    found = {n: p.grad.clone() for n, p in vlm.model.named_parameters() if p.grad is not None}
    vlm.model.zero_grad()
    return found


def lora(vlm: VLM, folder: Path) -> str:
    """The adapter lands in its role alone, learns, comes back from disk, merges; off is the base."""
    before = probe_logits(vlm)
    for part, tower in (("language.attention", vlm.roles.layers), ("vision.mlp", vlm.roles.vision_layers)):
        attached = attach(vlm, Scope((part,), rank=2), seed=0)
        trained = {n: p for n, p in attached.model.named_parameters() if p.requires_grad}
        assert trained
        assert all(n.startswith(f"base_model.model.{tower}.") and ".lora_" in n for n in trained)
        assert all(vlm.roles.role_of(n).split("[")[0] == part for n in trained)
        torch.cat([table.logp for table in tables(attached)[0]]).mean().backward()
        reached = {n for n, p in trained.items() if "lora_B" in n and p.grad is not None and p.grad.any()}
        assert reached, part
        vlm = detach(attached)
    attached = attach(vlm, Scope(("language",), rank=2), seed=0)
    with torch.no_grad():
        for name, parameter in attached.model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(generator=torch.Generator().manual_seed(len(name)))
    after = probe_logits(attached)
    assert not torch.equal(after, before)
    with attached.adapter_off():
        assert torch.equal(probe_logits(attached), before)
    save_adapter(attached, folder / "adapter")
    vlm = detach(attached)
    assert torch.equal(probe_logits(vlm), before)
    loaded = load_adapter(vlm, folder / "adapter")
    assert torch.equal(probe_logits(loaded), after)
    kept = {name: weight.clone() for name, weight in detach(loaded).model.state_dict().items()}
    merged = merge(load_adapter(vlm, folder / "adapter"))
    torch.testing.assert_close(probe_logits(merged), after, rtol=1e-3, atol=1e-3 * float(after.std()))
    merged.model.load_state_dict(kept)
    return YES


def cache(vlm: VLM, folder: Path) -> str:
    """Logits from kept vision features equal those from pixels, and each picture is encoded once."""
    store, cost = FeatureCache(vlm), Cost()
    assert store.usable
    for table, other in zip(tables(vlm)[0], tables(vlm, features=store, cost=cost)[0], strict=True):
        torch.testing.assert_close(other.logits, table.logits, rtol=1e-5, atol=1e-5)
    tables(vlm, features=store, cost=cost)
    assert cost.images_encoded == 2
    return YES


def hooks(vlm: VLM, folder: Path) -> str:
    """Each kind of hook changes answers, one by one as in a batch; off is the model bit for bit."""
    asked = questions()[:2]
    before = answer(vlm, asked, max_new_tokens=4)
    direction = 4 * torch.randn(WIDTH, generator=torch.Generator().manual_seed(0))
    gate = torch.randn(WIDTH, generator=torch.Generator().manual_seed(1)) / WIDTH**0.5
    eye = Eye("Who is this?", 0)
    seen = feature_of(vlm, picture(1), eye)
    head = {f"{vlm.roles.head}.weight": -2 * vlm.base.get_output_embeddings().weight.detach().float()}
    made = (
        Instruction("Answer as somebody else would."),
        Steering({0: Push(gate, direction)}),
        Router((Expert(eye, head, torch.zeros(WIDTH), seen / seen.norm(), 0.999),)),
    )
    for hook in made:
        hooked = hook.install(vlm)
        after = answer(hooked, asked, max_new_tokens=4)
        assert after != before, hook.name
        alone = [answer(hooked, [question], max_new_tokens=4)[0].tokens for question in asked]
        assert [r.tokens for r in after] == alone, hook.name
        with hooked.adapter_off():
            assert answer(hooked, asked, max_new_tokens=4) == before
        detach(hooked)
    return YES


def generate(vlm: VLM, folder: Path) -> str:
    """Replies in a batch equal those one by one, and those of the library's own ``generate``."""
    asked = questions()
    together = answer(vlm, asked, max_new_tokens=6)
    assert len({reply.tokens for reply in together}) > 1
    for question, reply in zip(asked, together, strict=True):
        assert answer(vlm, [question], max_new_tokens=6)[0].tokens == reply.tokens
        ids = vlm.chat.encode(question.prompt, None, question.picture).ids
        out = vlm.model.generate(
            **inputs_of(vlm, ids, len(ids), question.picture),
            do_sample=False,
            max_new_tokens=6,
            eos_token_id=list(vlm.chat.end_ids),
            pad_token_id=vlm.tokenizer.pad_token_id,
        )
        said = [token for token in out[0, len(ids) :].tolist() if token not in vlm.chat.end_ids]
        assert list(reply.tokens) == said
    return YES


def scores(vlm: VLM, folder: Path) -> str:
    """Log-probabilities of given answers, and the choice between options, equal those of rows alone."""
    asked = questions()
    pairs = [(q.prompt, option, q.picture) for q in asked for option in q.options]
    rows = make_rows(vlm, [Example(str(i), *pair[:2], "T1", pair[2]) for i, pair in enumerate(pairs)])
    with torch.no_grad():
        expected = [plain_logp(vlm, row) for row in rows]
        state = plain_logits(vlm, rows[0])
    assert float(state.std()) > 0.05, "the test model says the same whatever is asked"
    for one, wanted in zip(score(vlm, pairs), expected, strict=True):
        torch.testing.assert_close(torch.tensor(one.logprobs), wanted, rtol=1e-4, atol=1e-5)
    means = [float(one.mean()) for one in expected]
    best = [int(means[2 * i + 1] > means[2 * i]) for i in range(len(asked))]
    assert choose(vlm, asked) == best
    return YES


def hub(vlm: VLM, folder: Path) -> str:
    """Saved and loaded again the way a hub model is, it has the same logits, rows and roles."""
    vlm.model.save_pretrained(folder / "saved")
    vlm.processor.save_pretrained(folder / "saved")
    real, load_module.snapshot_download = load_module.snapshot_download, lambda *_, **__: folder / "saved"
    try:
        loaded = load("someone/tiny")
    finally:
        load_module.snapshot_download = real
    assert loaded.source == "hub"
    assert torch.equal(probe_logits(loaded), probe_logits(vlm))
    row = vlm.chat.encode("Who?", "Jane.", picture(1))
    assert loaded.chat.encode("Who?", "Jane.", picture(1)) == row
    assert loaded.roles == vlm.roles
    return YES


ASPECTS = {
    "roles": roles,
    "chat": chat,
    "layout": layout,
    "lora": lora,
    "cache": cache,
    "hooks": hooks,
    "generate": generate,
    "score": scores,
    "hub": hub,
}
