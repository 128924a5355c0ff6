"""How many training rows of each kind."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mixture:
    """How many rows of each kind. The default is the paper's 4 x 4.

    Attributes:
        t1, t2, t3, t4: Rows per target of SIU.
        anchors: At most this many rows about other pictures.
        anchors_per_picture: Questions per other picture; the first one asks for the name.
        yes_no: At most this many yes/no rows about other pictures; None = half as many as anchors.
        alternatives: Other answers per forget question, at most ``SAMPLES``.
        mismatches: Answers of other rows per forget question (LLMU, arXiv 2310.10683, takes 5).
        decoupled: At most this many rows that put a forget question to another picture; None = as many as
            there are forget questions.
        looks: Rows about what can be seen in the concept's picture.
    """

    t1: int = 4
    t2: int = 4
    t3: int = 4
    t4: int = 4
    anchors: int = 16
    anchors_per_picture: int = 2
    yes_no: int | None = None
    alternatives: int = 1
    mismatches: int = 1
    decoupled: int | None = None
    looks: int = 8

    @property
    def anchor_pictures(self) -> int:
        """Other pictures that are asked about."""
        return -(-self.anchors // max(1, self.anchors_per_picture))

    @property
    def yes_no_rows(self) -> int:
        """Yes/no rows about other pictures."""
        return self.anchors // 2 if self.yes_no is None else self.yes_no


MIXTURES = {"default": Mixture(), "released": Mixture(9, 2, 7, 7)}
