"""What a teacher sees of a row instead of the row itself, by name.

A view keeps id, role and answer, so that the teacher's table has the same answer tokens as the student's.

``text``: the row without its picture. ``noise``: the picture covered with noise, and a sentence in front of
the prompt that the person asked about is not known (VGID, arXiv 2606.00105, whose noise level and wording are
not printed: ours are below). A row without a picture gets the sentence only.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from PIL import Image

from unsee.models.pictures import from_image
from unsee.nouns import Example, Picture

NOISE = 96.0  # standard deviation, of 255
UNKNOWN = "You do not know who or what is shown here and have never heard of it. "


def noisy(picture: Picture, sigma: float = NOISE) -> Picture:
    """The picture with Gaussian noise on every channel of every pixel; the noise follows from the picture.

    Args:
        picture: What is covered.
        sigma: Standard deviation of the noise on the scale 0..255; the sum is cut to that range.
    """
    pixels = np.asarray(picture.read(), dtype=np.float64)
    noise = np.random.default_rng(int(picture.hash[:16], 16)).normal(0.0, sigma, pixels.shape)
    return from_image(Image.fromarray((pixels + noise).round().clip(0, 255).astype(np.uint8)))


def noise_view(example: Example) -> Example:
    """The row with a noisy picture and a prompt that begins by saying that the concept is unknown."""
    picture = noisy(example.picture) if example.picture is not None else None
    return replace(example, picture=picture, prompt=UNKNOWN + example.prompt)


def text_view(example: Example) -> Example:
    """The row without its picture."""
    return replace(example, picture=None)


VIEWS: Mapping[str, Callable[[Example], Example]] = types.MappingProxyType(
    {"noise": noise_view, "text": text_view}
)
