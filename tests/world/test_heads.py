from __future__ import annotations

import math

import pytest
import torch

from unsee.world.build import IMAGE_TOKENS, WIDTH
from unsee.world.heads import IGNORED, AttributeHeads, LabelTable, PatchHead

CELLS = {f"cell{i}.shape": ("none", "star") for i in range(4)}
TABLE = LabelTable({"eyes": ("blue", "green", "brown"), "hat": ("no hat", "cap"), **CELLS})


def test_labels_are_encoded_and_decoded() -> None:
    labels = {"hat": "cap", "cell2.shape": "star"}
    row = TABLE.encode(labels)
    assert row == [IGNORED, 1, IGNORED, IGNORED, 1, IGNORED]
    assert TABLE.decode(row) == labels


@pytest.mark.parametrize("wrong", [{"hat": "crown"}, {"shoes": "red"}])
def test_unknown_labels_are_errors(wrong: dict[str, str]) -> None:
    with pytest.raises(KeyError):
        TABLE.encode(wrong)


def test_loss_is_scaled_by_the_root_of_the_labelled_share() -> None:
    logits = {"eyes": torch.tensor([[0.0, 0.0, 0.0], [9.0, 0.0, 0.0]]), "hat": torch.zeros(2, 2)}
    labels = torch.tensor([TABLE.encode({"eyes": "green", "hat": "cap"}), TABLE.encode({"hat": "no hat"})])
    heads = AttributeHeads(TABLE)
    everything = heads.loss(logits, labels, {"hat": 2.0})
    assert everything.item() == pytest.approx(math.log(3) * 0.5**0.5 + 2 * math.log(2), rel=1e-5)
    assert heads.loss(logits, labels, {"eyes": 0.0, "hat": 0.0}).item() == 0


def test_accuracy_counts_labelled_pictures_only() -> None:
    logits = {
        "eyes": torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]),
        "hat": torch.zeros(3, 2),
    }
    rows = [TABLE.encode({"eyes": "blue"}), TABLE.encode({"eyes": "brown"}), TABLE.encode({})]
    assert AttributeHeads(TABLE).accuracy(logits, torch.tensor(rows)) == {"eyes": 0.5}


def test_each_head_reads_its_own_cell() -> None:
    torch.manual_seed(0)
    heads = AttributeHeads(TABLE)
    features = torch.randn(1, IMAGE_TOKENS, WIDTH)
    changed = features.clone()
    changed[0, 7] += torch.randn(WIDTH)  # row 0, column 7: top right, cell 1
    before, after = heads(features), heads(changed)
    moved = {name for name in CELLS if not torch.allclose(before[name], after[name])}
    assert moved == {"cell1.shape"}
    assert before["eyes"].shape == (1, 3)


def test_patches_lie_in_the_cells_of_the_picture() -> None:
    cell = PatchHead(TABLE).cell_of_patch.view(8, 8)
    corners = {0: ((0, 0), (3, 3)), 1: ((0, 4), (3, 7)), 2: ((4, 0), (7, 3)), 3: ((4, 4), (7, 7))}
    assert all(cell[place] == number for number, places in corners.items() for place in places)


def test_the_patch_head_skips_content_of_pictures_that_are_no_scenes() -> None:
    torch.manual_seed(0)
    head, tokens = PatchHead(TABLE), torch.randn(2, IMAGE_TOKENS, WIDTH)
    scene = TABLE.encode({name: "star" for name in CELLS})
    nobody = TABLE.encode({})
    place = head.loss(tokens, torch.tensor([nobody, nobody]))
    both = head.loss(tokens, torch.tensor([scene, nobody]))
    content = head.content["shape"](head.norm(tokens[:1])).flatten(0, 1)
    slow = torch.nn.functional.cross_entropy(content, torch.ones(IMAGE_TOKENS, dtype=torch.long))
    assert (both - place).item() == pytest.approx(slow.item(), rel=1e-5)
