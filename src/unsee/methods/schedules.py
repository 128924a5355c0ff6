"""Which terms act in which step.

A plan of n joint steps is stretched by the schedule: joint keeps it, the others give forget and retain terms
steps of their own. ``at`` says for every step which of the n draws of rows each side takes, or None where the
side rests, and by what factor each side's terms are scaled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

Side = Literal["forget", "retain"]


class Turn(NamedTuple):
    """One step: which draw each side takes (None = it rests) and the factor of its terms."""

    forget: int | None
    retain: int | None
    forget_factor: float = 1.0
    retain_factor: float = 1.0


class Schedule(Protocol):
    """Order of the terms."""

    def steps(self, draws: int) -> int:
        """Optimiser steps for ``draws`` draws of rows."""

    def at(self, step: int, draws: int, retain_losses: Sequence[float]) -> Turn:
        """The turn of a step, counted from 0.

        Args:
            step: Number of the step.
            draws: Draws of rows in the whole run.
            retain_losses: Weighted sum of the retain terms, factor left out, of every earlier step.
        """


@dataclass(frozen=True)
class Joint:
    """All terms in every step (GradDiff as in TOFU, arXiv 2401.06121)."""

    def steps(self, draws: int) -> int:
        """One step per draw."""
        return draws

    def at(self, step: int, draws: int, retain_losses: Sequence[float]) -> Turn:
        """Everything."""
        return Turn(step, step)


@dataclass(frozen=True)
class Alternate:
    """A forget step, then ``every`` retain steps, and so on (MMUnlearner, arXiv 2502.11051; SCRUB).

    Attributes:
        every: Retain steps per forget step.
        until: Share of the forget draws that are used; later ones are left out (SCRUB: no maximising at the
            end, arXiv 2302.09880).
    """

    every: int = 1
    until: float = 1.0

    def steps(self, draws: int) -> int:
        """Every forget draw with its retain steps."""
        return self._forget_draws(draws) + draws * self.every

    def at(self, step: int, draws: int, retain_losses: Sequence[float]) -> Turn:
        """Forget first in each round of ``1 + every`` steps while forget draws last."""
        rounds, place = divmod(step, 1 + self.every)
        most = self._forget_draws(draws)
        if rounds < most:
            if place == 0:
                return Turn(rounds, None)
            return Turn(None, (rounds * self.every + place - 1) % draws)
        return Turn(None, (step - most) % draws)

    def _forget_draws(self, draws: int) -> int:
        return max(1, round(self.until * draws))


@dataclass(frozen=True)
class Sequential:
    """All forget steps, then all retain steps (the released MLLMU-Bench baselines, arXiv 2410.22108)."""

    def steps(self, draws: int) -> int:
        """Each draw once per side."""
        return 2 * draws

    def at(self, step: int, draws: int, retain_losses: Sequence[float]) -> Turn:
        """Forget in the first half."""
        return Turn(step, None) if step < draws else Turn(None, step - draws)


@dataclass(frozen=True)
class Dual:
    """The retain terms are a constraint with a price that follows its violation (PDU, arXiv 2506.05314).

        mu <- max(0, mu + eta * (L_retain - epsilon)),   epsilon = slack * L_retain of the first step

    Attributes:
        mu: Price at the start.
        eta: Step size of the price.
        slack: How far the retain loss may rise, as a factor of its first value.
        floor: Least epsilon, for retain losses near zero.
        warmup: Steps in which the price stays.
    """

    mu: float
    eta: float
    slack: float
    floor: float = 0.01
    warmup: int = 0

    def steps(self, draws: int) -> int:
        """One step per draw."""
        return draws

    def at(self, step: int, draws: int, retain_losses: Sequence[float]) -> Turn:
        """Everything, the retain side at its present price."""
        return Turn(step, step, retain_factor=self.price(retain_losses[:step]))

    def price(self, retain_losses: Sequence[float]) -> float:
        """The price after these steps, from the log alone: a resumed run finds the same."""
        if not retain_losses:
            return self.mu
        epsilon, mu = max(self.floor, self.slack * retain_losses[0]), self.mu
        for loss in retain_losses[self.warmup :]:
            mu = max(0.0, mu + self.eta * (loss - epsilon))
        return mu


JOINT = Joint()
