"""Which packs run together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unsee.packs.pack import Pack


def batches(packs: Sequence[Pack], *, max_rows: int, max_tokens: int) -> Iterator[list[Pack]]:
    """Groups of packs of one route, alike in number of rows and length, so that little is padded.

    Args:
        packs: Any packs.
        max_rows: Most rows in a group, padding included.
        max_tokens: Most tokens in a group, padding included. A larger single pack is a group of its own.
    """
    ordered = sorted(packs, key=lambda pack: (*_kind(pack), len(pack.rows), len(pack)))
    group: list[Pack] = []
    for pack in ordered:
        together = [*group, pack]
        rows = max(len(p.rows) for p in together) * len(together)
        tokens = max(len(p) for p in together) * len(together)
        mixed = _kind(pack) != _kind(together[0])
        if group and (mixed or rows > max_rows or tokens > max_tokens):
            yield group
            group = []
        group = [*group, pack]
    if group:
        yield group


def _kind(pack: Pack) -> tuple[bool, str]:
    """Packs of different kinds never run together."""
    return pack.picture is None, pack.route
