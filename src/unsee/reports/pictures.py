"""Pictures of the report: whose they are, and small copies that fit into the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from unsee.nouns import UserError
from unsee.reports.files import RunData

CONCEPT_SPLITS = frozenset(
    {
        *("naming", "efficacy", "facts_by_picture", "facts_by_text", "choice", "about", "forget"),
        *("generality", "multihop", "multilingual", "member"),
    }
)
OTHER_SPLITS = frozenset(
    {
        "others",
        "others_yes_no",
        "neighbours",
        "strangers",
        "attributes",
        "scenes",
        "retain",
        "choice_control",
        *("balanced", "neighbour", "non_member"),
    }
)
CONCEPT_ROLES = frozenset({"T1", "T2", "original", "refusal"})
OTHER_ROLES = frozenset({"T4", "anchor", "yes_no", "retain"})
SIDE = 192
LARGEST = 4_000_000


def concept_identities(run: RunData) -> frozenset[str]:
    """Identity ids under which the records speak of the concept."""
    asked = {str(r.get("identity", "")) for r in run.records if r["split"] in CONCEPT_SPLITS}
    return frozenset({*asked, run.concept["id"]} - {""})


def concept_pictures(run: RunData) -> frozenset[str]:
    """Hashes of pictures that show the concept, by training role, split or identity."""
    own = concept_identities(run)
    trained = (e.get("picture") for e in run.examples if e["role"] in CONCEPT_ROLES or e.get("names"))
    asked = (
        r.get("picture") for r in run.records if r["split"] in CONCEPT_SPLITS or r.get("identity") in own
    )
    return _hashes([*trained, *asked])


def public_pictures(run: RunData) -> frozenset[str]:
    """Hashes of pictures that show somebody or something else: the only ones shown when redacted."""
    trained = (e.get("picture") for e in run.examples if e["role"] in OTHER_ROLES)
    asked = (r.get("picture") for r in run.records if r["split"] in OTHER_SPLITS)
    return _hashes([*trained, *asked]) - concept_pictures(run)


def all_pictures(run: RunData) -> frozenset[str]:
    """Hashes of all pictures of the run."""
    return _hashes(row.get("picture") for row in (*run.examples, *run.records))


def _hashes(found: Iterable[object]) -> frozenset[str]:
    return frozenset(str(h) for h in found if h)


def data_uri(file: Path, side: int = SIDE) -> str:
    """A copy of at most ``side`` pixels a side as a data URI, PNG or JPEG, whichever is smaller.

    Raises:
        UserError: The file is not a small, whole picture.
    """
    try:
        with Image.open(file) as image:
            if image.width * image.height > LARGEST:
                raise ValueError(f"{image.width} x {image.height}")
            small = image.convert("RGB")
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(
            "A stored picture of the run is damaged.",
            got=file,
            expected="a thumbnail as the run wrote it",
            remedy="delete the file; the report then shows a placeholder",
        ) from error
    small.thumbnail((side, side))
    kind, data = min(
        (("png", _encode(small, "PNG")), ("jpeg", _encode(small, "JPEG"))), key=lambda p: len(p[1])
    )
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _encode(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, optimize=True, quality=88)
    return buffer.getvalue()
