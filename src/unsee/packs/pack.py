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

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from unsee.models.hooks import Passage
from unsee.models.load import VLM
from unsee.nouns import Picture
from unsee.packs.families import Layout, check_window, layout_of
from unsee.packs.positions import positions_of
from unsee.packs.rows import Row, Span

About = tuple[tuple[str, ...], tuple[int, ...], str]  # pictures, tokens up to the last of these, route
ASKED = "asked"
LEAST_ROOM, STRETCH, MOST_ROOM = 1536, 4, 8192


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

    def mask(self) -> np.ndarray:
        """(T, T) bool: True where the node of the line may attend to the node of the column."""
        mask = np.eye(len(self.ids), dtype=bool)
        for node, parent in enumerate(self.parents):
            if parent >= 0:
                mask[node] |= mask[parent]
        block = np.array(self.blocks, dtype=int)
        if (block >= 0).any():
            mask |= (block[:, None] == block) & (block >= 0)
            for node, parent in enumerate(self.parents):  # what comes after a stretch sees all of it
                if parent >= 0:
                    mask[node] |= mask[parent]
        return mask


class _Tree:
    """A pack while it grows."""

    def __init__(self, reserve: int, route: str, layout: Layout, placeholder: int) -> None:
        self.reserve, self.route = reserve, route
        self.layout, self.placeholder = layout, placeholder
        self.pictures: list[Picture] = []
        self.blocks: list[int] = []
        self.rows: list[Row] = []
        self.order: list[int] = []
        self.paths: list[tuple[int, ...]] = []
        self.ids: list[int] = []
        self.parents: list[int] = []
        self.positions: list[Tensor] = []
        self.marks: dict[str, int] = {}
        self.codes = np.zeros((0, 0), dtype=np.int64)

    @property
    def size(self) -> int:
        return len(self.ids) + self.reserve * len(self.rows)

    def size_with(self, row: Row) -> int:
        return self.size + len(row.ids) - self._shared(self._code(row))[0] + self.reserve

    def _code(self, row: Row) -> np.ndarray:
        """(T,) int64, equal where tokens may be shared: the token, and what keeps it apart from others."""
        ids = np.array(row.ids, dtype=np.int64)
        code = ids.copy()
        for mark, start, stop in _apart(row):
            code[start:stop] = ids[start:stop] + ((1 + self.marks.setdefault(mark, len(self.marks))) << 32)
        return code

    def _shared(self, code: np.ndarray) -> tuple[int, int]:
        """How many tokens at its beginning a row shares with one that is there, and with which."""
        width = min(len(code), self.codes.shape[1])
        if not len(self.rows) or not width:
            return 0, 0
        other = self.codes[: len(self.rows), :width] != code[:width]
        lengths = np.where(other.any(axis=1), other.argmax(axis=1), width)
        best = int(lengths.argmax())
        return int(lengths[best]), best

    def _note(self, code: np.ndarray) -> None:
        """Keep the code of a new row; -1 stands behind its end, which no token equals."""
        rows, width = len(self.rows), max(self.codes.shape[1], len(code))
        if rows == self.codes.shape[0] or width > self.codes.shape[1]:
            grown = np.full((max(8, 2 * rows), width), -1, dtype=np.int64)
            grown[:rows, : self.codes.shape[1]] = self.codes[:rows]
            self.codes = grown
        self.codes[rows, : len(code)] = code

    def add(self, row: Row, order: int, positions: Tensor) -> None:
        code = self._code(row)
        shared, like = self._shared(code)
        self._note(code)
        path = list(self.paths[like][:shared]) if shared else []
        begins = {span[0]: picture for picture, span in _shown(row)}
        for depth in range(shared, len(row.ids)):
            node = path[-1] if path else -1
            if depth in begins:
                self.pictures.append(begins[depth])
            path.append(len(self.ids))
            self.ids.append(row.ids[depth])
            self.parents.append(node)
            self.blocks.append(self._block(row, depth, node))
        self.positions.append(positions[:, shared:])
        self.rows.append(row)
        self.order.append(order)
        self.paths.append(tuple(path))

    def _block(self, row: Row, depth: int, parent: int) -> int:
        """The stretch that a new node belongs to, by the rule of the family."""
        if self.layout.two_way == "prompt":
            return 0 if depth < row.answer_start else -1
        if self.layout.two_way != "images" or row.ids[depth] != self.placeholder:
            return -1
        before = self.blocks[parent] if parent >= 0 else -1
        return before if before >= 0 else max(self.blocks, default=-1) + 1

    def close(self) -> Pack:
        return Pack(
            tuple(self.rows),
            tuple(self.order),
            tuple(self.paths),
            tuple(self.ids),
            tuple(self.parents),
            torch.cat(self.positions, dim=1),
            self.pictures[-1] if self.pictures else None,
            self.route,
            tuple(self.pictures[:-1]),
            tuple(self.blocks),
            apart=self.layout.cross and not self.pictures,
        )


def _apart(row: Row) -> Iterator[tuple[str, int, int]]:
    """Marks and the stretches of tokens they keep apart from tokens of the same id without that mark.

    Tokens of different pictures are never shared, nor is a prompt's last token with a longer prompt. A later
    stretch wins over an earlier one.
    """
    for picture, (start, stop) in _shown(row):
        yield picture.hash, start, stop
    yield ASKED, row.answer_start - 1, row.answer_start


def _shown(row: Row) -> tuple[tuple[Picture, Span], ...]:
    """Every picture of a row with the span of its tokens."""
    if row.picture is None or row.image_span is None:
        return ()
    return row.several or ((row.picture, row.image_span),)


def _about(row: Row, layout: Layout, route: str) -> About:
    """Rows with equal keys may share a tree: they begin with the same picture, or the same pictures.

    Behind the first picture rows may part, and each branch has its own pictures: examples are shared by all
    questions, whatever they are about. Families that look across know one set of pictures per pack.
    """
    shown = _shown(row) if layout.cross else _shown(row)[:1]
    return tuple(picture.hash for picture, _ in shown), row.ids[: shown[-1][1][1]], route


def room_for(row: Row) -> int:
    """Longest pack that begins with this row.

    Rows that share most of their tokens gain until the work of the mask, which grows with the square of the
    pack, outweighs what is shared: at about four times the length of one row.
    """
    return max(LEAST_ROOM, min(STRETCH * len(row.ids), MOST_ROOM))


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
        mix_text: Whether text-only rows may fill up the packs of pictures. They do not see the picture.

    Raises:
        UserError: The model cannot run packs.
    """
    layout = layout_of(vlm)
    if layout.form == "rows" or (vlm.hook is not None and vlm.hook.alone):
        max_rows = 1
    for row in rows:
        check_window(layout, len(row.ids))

    def fits(tree: _Tree, row: Row) -> bool:
        room = room_for(tree.rows[0]) if max_tokens is None else max_tokens
        return len(tree.rows) < max_rows and tree.size_with(row) <= room

    def new_tree(route: str) -> _Tree:
        trees.append(_Tree(reserve, route, layout, vlm.chat.image_token_id))
        return trees[-1]

    trees: list[_Tree] = []
    opened: dict[About, _Tree] = {}  # the tree that is still open
    for order, row in enumerate(rows):
        if row.picture is not None:
            about = _about(row, layout, vlm.route(row.picture))
            tree = opened.get(about)
            if tree is None or not fits(tree, row):
                tree = opened[about] = new_tree(about[2])
            tree.add(row, order, positions_of(vlm, row))
    route = vlm.route(None)
    mixed = mix_text and not layout.cross
    text_trees = [tree for tree in trees if tree.route == route] if mixed else []
    for order, row in enumerate(rows):
        if row.picture is None:
            room = [tree for tree in text_trees if fits(tree, row)]
            tree = min(room, key=lambda candidate: candidate.size, default=None)
            if tree is None:
                tree = new_tree(route)
                text_trees.append(tree)
            tree.add(row, order, positions_of(vlm, row))
    return [tree.close() for tree in trees]


@dataclass(frozen=True)
class Batch:
    """Packs as tensors on the model's device. B packs, T tokens (padded right), N answer tokens, R rows.

    Attributes:
        input_ids: (B, T) int64.
        attention_mask: (B, 1, T, T) bool, True = may attend; padding sees only itself.
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
    attention_mask: Tensor
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
    mask = np.broadcast_to(np.eye(length, dtype=bool), (len(packs), length, length)).copy()
    positions = torch.zeros((axes, len(packs), length), dtype=torch.long)
    placed: list[tuple[int, Row, list[int]]] = []
    for b, pack in enumerate(packs):
        ids[b, : len(pack)] = torch.tensor(pack.ids)
        mask[b, : len(pack), : len(pack)] = pack.mask()
        positions[:, b, : len(pack)] = pack.positions
        for row, order, path in zip(pack.rows, pack.order, pack.paths, strict=True):
            placed.append((order, row, [b * length + node for node in path]))
    placed.sort(key=lambda item: item[0])
    return Batch(
        input_ids=ids.to(vlm.device),
        attention_mask=torch.from_numpy(mask)[:, None].to(vlm.device),
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
