"""Where a paper, its released code and good practice disagree on a figure, the reading is named.

``paper``: what the text of the paper defines. ``released_code``: what the authors' evaluation computes, its
defects included, so that published numbers can be compared with. ``corrected``: what should be believed; the
default everywhere.
"""

from __future__ import annotations

from typing import Literal

Variant = Literal["paper", "released_code", "corrected"]
VARIANTS: tuple[Variant, ...] = ("paper", "released_code", "corrected")
