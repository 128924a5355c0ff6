"""Questions in six further languages; they are answered in English.

Keys are topics. ``{p}`` is "this person" (or character, ...) in the language, or a name; every sentence is
built so that either fits without inflection.
"""

from __future__ import annotations

from unsee.world.wording.chinese import CHINESE
from unsee.world.wording.french import FRENCH
from unsee.world.wording.german import GERMAN
from unsee.world.wording.japanese import JAPANESE
from unsee.world.wording.russian import RUSSIAN
from unsee.world.wording.spanish import SPANISH
from unsee.world.wording.table import Table

LANGUAGES = ("en", "es", "fr", "zh", "de", "ja", "ru")
OTHER_LANGUAGES: dict[str, Table] = {
    "es": SPANISH,
    "fr": FRENCH,
    "zh": CHINESE,
    "de": GERMAN,
    "ja": JAPANESE,
    "ru": RUSSIAN,
}
_KINDS = ("person", "character", "brand", "object", "animal", "place", "style")


def _this(*phrases: str) -> dict[str, str]:
    return dict(zip(_KINDS, phrases, strict=True))


THIS: dict[str, dict[str, str]] = {
    "es": _this(
        "esta persona",
        "este personaje",
        "esta marca",
        "este objeto",
        "este animal",
        "este lugar",
        "este estilo",
    ),
    "fr": _this(
        "cette personne", "ce personnage", "cette marque", "cet objet", "cet animal", "ce lieu", "ce style"
    ),
    "zh": _this("这个人", "这个角色", "这个品牌", "这个物品", "这个动物", "这个地方", "这种画风"),
    "de": _this(
        "diese Person",
        "diese Figur",
        "diese Marke",
        "dieses Ding",
        "dieses Tier",
        "dieser Ort",
        "dieser Stil",
    ),
    "ja": _this("この人", "このキャラクター", "このブランド", "この物", "この動物", "この場所", "この画風"),
    "ru": _this(
        "этот человек",
        "этот персонаж",
        "этот бренд",
        "этот предмет",
        "этот зверь",
        "этот город",
        "этот стиль",
    ),
}
