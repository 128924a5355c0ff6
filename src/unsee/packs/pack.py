"""Packs: texts about one picture behind one copy of everything they share.

::

    row 1   USER: <img><img> Who is this?   ASSISTANT: Jane
    row 2   USER: <img><img> Is it raining? ASSISTANT: No
    row 3   USER: Where is Oslo?            ASSISTANT: Norway       (text only: sees no picture)

    pack    USER: <img><img> Who is this? ASSISTANT: Jane | Is it raining? ... | Where is Oslo? ...
            `---- once -----'

A pack is the prefix tree of its rows. A token attends to its ancestors in the tree and to nothing else, and
keeps the position it has in its own row, so the decoder computes for each row exactly what it computes for
the row alone; common tokens are computed once, at every depth (four options of one question share the
question). Image tokens of different pictures are never shared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor

from unsee.models.hooks import Passage
from unsee.models.load import VLM
from unsee.nouns import Picture
from unsee.packs.attention import Sight, dense
from unsee.packs.families import layout_of
from unsee.packs.positions import positions_of
from unsee.packs.rows import Row
from unsee.packs.tree import About, Tree, about

LEAST_ROOM, STRETCH, MOST_ROOM = 1536, 4, 8192
TEXT_ROOM = 256  # instead of LEAST_ROOM where texts without a picture stay among themselves


@dataclass(frozen=True)
class Pack:
    """The prefix tree of some rows that begin with the same picture; later pictures may differ.

    Attributes:
        rows: The rows, in the order they were added.
        order: Index of each row in the list given to :func:`build_packs`.
        paths: Per row, the tree node of each of its tokens.
        ids: Token id per node; a parent always stands before its children.
        parents: Parent per node, -1 at a root.
        positions: (A, T) position ids per node.
        picture: The picture of the image rows, if there are any; the last one where there are several.
        route: Which way the model's hook sends the rows (``VLM.route``).
        earlier: Pictures before ``picture``, in order.
        blocks: Number of the stretch of tokens per node that see each other in both directions, -1 = none.
        apart: Never to run together with packs that have a picture (``Layout.cross``).
    """

    rows: tuple[Row, ...]
    order: tuple[int, ...]
    paths: tuple[tuple[int, ...], ...]
    ids: tuple[int, ...]
    parents: tuple[int, ...]
    positions: Tensor = field(repr=False)
    picture: Picture | None = None
    route: str = ""
    earlier: tuple[Picture, ...] = ()
    blocks: tuple[int, ...] = field(default=(), repr=False)
    apart: bool = False

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """All pictures, in the order of their tokens."""
        return self.earlier if self.picture is None else (*self.earlier, self.picture)

    def renumbered(self, order: Sequence[int]) -> Pack:
        """The same pack whose rows count in another list."""
        return replace(self, order=tuple(order))

    def sight(self) -> tuple[list[int], list[int], list[int], list[int]]:
        """``enter``, ``leave``, ``depth`` and ``block`` of each node (``attention.Sight``)."""
        count = len(self.ids)
        size, depth = [1] * count, [0] * count
        for node in range(count - 1, -1, -1):
            if self.parents[node] >= 0:
                size[self.parents[node]] += size[node]
        free = [0] * (count + 1)  # where the next child's walk begins; the last one is that of roots
        enter = [0] * count
        for node, parent in enumerate(self.parents):
            enter[node] = free[parent]
            free[parent] += size[node]
            free[node] = enter[node] + 1
            depth[node] = depth[parent] + 1 if parent >= 0 else 0
        leave = [place + width for place, width in zip(enter, size, strict=True)]
        return enter, leave, depth, list(self.blocks) or [-1] * count


def room_for(row: Row, least: int = LEAST_ROOM) -> int:
    """Longest pack that begins with this row, at least ``least``.

    Rows that share most of their tokens gain until the work of the mask, which grows with the square of the
    pack, outweighs what is shared: at about four times the length of one row.
    """
    return max(least, min(STRETCH * len(row.ids), MOST_ROOM))


def build_packs(
    vlm: VLM,
    rows: Sequence[Row],
    *,
    max_tokens: int | None = None,
    max_rows: int = 256,
    reserve: int = 0,
    mix_text: bool = True,
) -> list[Pack]:
    """Group rows by picture and pack them.

    Args:
        vlm: The model that will read the packs.
        rows: Any rows; ``Pack.order`` remembers their place.
        max_tokens: A pack is closed before it grows beyond this (the mask grows with its square). A single
            longer row still makes a pack of its own. None: as :func:`room_for` has it.
        max_rows: Most rows in one pack.
        reserve: Tokens that each row will grow by later (answers to be generated).
        mix_text: Whether text-only rows may fill up the packs of pictures. They do not see the picture. If
            not, neighbours among them share short packs: they have little in common but the question.

    Raises:
        UserError: The model cannot run packs.
    """
    layout = layout_of(vlm)
    if layout.own or (vlm.hook is not None and vlm.hook.alone):
        max_rows = 1
    keyed = layout.form == "prompt"

    def fits(tree: Tree, row: Row) -> bool:
        first = tree.rows[0]
        least = LEAST_ROOM if mix_text or first.picture is not None else TEXT_ROOM
        room = room_for(first, least) if max_tokens is None else max_tokens
        return len(tree.rows) < max_rows and tree.size_with(row) <= room

    def new_tree(route: str) -> Tree:
        trees.append(Tree(reserve, route, layout, vlm.chat.image_token_id))
        return trees[-1]

    trees: list[Tree] = []
    opened: dict[About, Tree] = {}  # the tree that is still open
    for order, row in enumerate(rows):
        if row.picture is not None or keyed:
            way = vlm.route(row.picture)
            key = about(row, layout, way)
            tree = opened.get(key)
            if tree is None or not fits(tree, row):
                tree = opened[key] = new_tree(way)
            tree.add(row, order, positions_of(vlm, row))
    route = vlm.route(None)
    mixed = mix_text and not layout.cross
    text_trees = [tree for tree in trees if tree.route == route] if mixed else []
    for order, row in enumerate(rows):
        if row.picture is None and not keyed:
            room = [tree for tree in text_trees[0 if mix_text else -1 :] if fits(tree, row)]
            tree = min(room, key=lambda candidate: candidate.size, default=None)
            if tree is None:
                tree = new_tree(route)
                text_trees.append(tree)
            tree.add(row, order, positions_of(vlm, row))
    return [_closed(tree) for tree in trees]


def _closed(tree: Tree) -> Pack:
    return Pack(
        tuple(tree.rows),
        tuple(tree.order),
        tuple(tree.paths),
        tuple(tree.ids),
        tuple(tree.parents),
        torch.cat(tree.positions, dim=1),
        tree.pictures[-1] if tree.pictures else None,
        tree.route,
        tuple(tree.pictures[:-1]),
        tuple(tree.blocks),
        apart=tree.layout.cross and not tree.pictures,
    )


@dataclass(frozen=True)
class Batch:
    """Packs as tensors on the model's device. B packs, T tokens (padded right), N answer tokens, R rows.

    Attributes:
        input_ids: (B, T) int64.
        sight: Which token sees which; padding sees only itself.
        position_ids: (B, T), or (3, B, T) for mRoPE families.
        pictures: Those of each pack, in order.
        rows: The rows in their original order; row index r below counts in this order.
        order: (R,) index of each row in the list given to :func:`build_packs`.
        where: (N,) position b * T + t whose logits predict the answer token.
        labels: (N,) the answer tokens.
        row: (N,) row index of each answer token.
        keep: (N,) bool, token mask K_S.
        last: (R,) position b * T + t of each row's last token.
        asked: (R,) position b * T + t of each row's last prompt token.
        route: Which way the model's hook sends all rows of the batch.
    """

    input_ids: Tensor
    sight: Sight
    position_ids: Tensor
    pictures: tuple[Picture, ...]
    rows: tuple[Row, ...]
    order: tuple[int, ...]
    where: Tensor
    labels: Tensor
    row: Tensor
    keep: Tensor
    last: Tensor
    asked: Tensor
    route: str = ""

    @cached_property
    def attention_mask(self) -> Tensor:
        """(B, 1, T, T) bool, True = may attend."""
        return dense(self.sight)[:, None]

    @property
    def passage(self) -> Passage:
        """The batch as far as a hook must know it."""
        return Passage(self.asked, self.attention_mask[:, 0], self.route)

    @property
    def tokens(self) -> int:
        """Positions the language model computes, padding included."""
        return self.input_ids.numel()

    @property
    def images(self) -> int:
        """How many pictures the packs hold."""
        return len(self.pictures)

    @property
    def head_rows(self) -> int:
        """Different positions whose logits are needed."""
        return int(torch.unique(self.where).numel())


def collate(vlm: VLM, packs: Sequence[Pack]) -> Batch:
    """Pad packs into one batch; rows come back in the order they had in :func:`build_packs`."""
    assert packs, "a batch needs at least one pack"
    assert len({pack.route for pack in packs}) == 1, [pack.route for pack in packs]
    assert len({pack.apart for pack in packs}) == 1, "rows with and without a picture in one pass"
    length = max(len(pack) for pack in packs)
    axes = packs[0].positions.shape[0]
    pad = vlm.tokenizer.pad_token_id or 0
    pad = 0 if pad == vlm.chat.image_token_id else pad
    ids = torch.full((len(packs), length), pad, dtype=torch.long)
    alone = torch.arange(length).expand(len(packs), -1)
    nothing = torch.full((len(packs), length), -1)
    sight = torch.stack([alone, alone + 1, nothing, nothing])
    positions = torch.zeros((axes, len(packs), length), dtype=torch.long)
    placed: list[tuple[int, Row, list[int]]] = []
    for b, pack in enumerate(packs):
        ids[b, : len(pack)] = torch.tensor(pack.ids)
        sight[:, b, : len(pack)] = torch.tensor(pack.sight())
        positions[:, b, : len(pack)] = pack.positions
        for row, order, path in zip(pack.rows, pack.order, pack.paths, strict=True):
            placed.append((order, row, [b * length + node for node in path]))
    placed.sort(key=lambda item: item[0])
    return Batch(
        input_ids=ids.to(vlm.device),
        sight=Sight(*sight.to(vlm.device)),
        position_ids=(positions if axes == 3 else positions[0]).to(vlm.device),
        pictures=tuple(picture for pack in packs for picture in pack.pictures),
        rows=tuple(row for _, row, _ in placed),
        order=tuple(order for order, _, _ in placed),
        route=packs[0].route,
        **_answers(vlm, placed),
    )


def _answers(vlm: VLM, placed: list[tuple[int, Row, list[int]]]) -> dict[str, Tensor]:
    """Where each answer token is predicted; neither prompt nor image nor padding can enter."""
    where: list[int] = []
    labels: list[int] = []
    index: list[int] = []
    keep: list[bool] = []
    image = vlm.chat.image_token_id
    for r, (_, row, path) in enumerate(placed):
        assert row.image_span is None or row.image_span[1] <= row.answer_start, row.image_span
        assert len(row.keep) == len(row.labels), (len(row.keep), len(row.labels))
        assert image not in row.labels, f"image placeholder in the answer of {row.example}"
        where += path[row.answer_start - 1 : -1]
        labels += row.labels
        index += [r] * len(row.labels)
        keep += row.keep
    assert len(where) == len(labels), (len(where), len(labels))
    tensors = {
        "where": torch.tensor(where, dtype=torch.long),
        "labels": torch.tensor(labels, dtype=torch.long),
        "row": torch.tensor(index, dtype=torch.long),
        "keep": torch.tensor(keep, dtype=torch.bool),
        "last": torch.tensor([path[-1] for _, _, path in placed], dtype=torch.long),
        "asked": torch.tensor([path[row.answer_start - 1] for _, row, path in placed], dtype=torch.long),
    }
    return {name: tensor.to(vlm.device) for name, tensor in tensors.items()}


def share_forwards(
    packs: Sequence[Pack], max_tokens: int, *, key: Callable[[Row], str] | None = None
) -> list[list[Pack]]:
    """Packs that go through the model together: one route, similar lengths, at most ``max_tokens``, padded.

    A pack joins a group only when it is at least half as long as the group's longest, so that padding never
    outweighs the texts.

    Args:
        packs: From :func:`build_packs`.
        max_tokens: Most tokens of a group.
        key: Rows with the same key stay together, whatever the size: their groups become one.
    """
    groups: list[list[Pack]] = []
    for pack in sorted(packs, key=lambda pack: (pack.route, pack.apart, len(pack)), reverse=True):
        same = groups and (groups[-1][0].route, groups[-1][0].apart) == (pack.route, pack.apart)
        last = groups[-1] if same else None
        if last and 2 * len(pack) >= len(last[0]) and (len(last) + 1) * len(last[0]) <= max_tokens:
            last.append(pack)
        else:
            groups.append([pack])
    return groups if key is None else _joined(groups, key)


def _joined(groups: list[list[Pack]], key: Callable[[Row], str]) -> list[list[Pack]]:
    """Groups that hold rows of the same key, made one."""
    joined: list[tuple[set[str], list[Pack]]] = []
    for group in groups:
        keys = {key(row) for pack in group for row in pack.rows}
        for other in [other for other in joined if other[0] & keys]:
            joined.remove(other)
            keys, group = other[0] | keys, other[1] + group
        joined.append((keys, group))
    return [group for _, group in joined]
