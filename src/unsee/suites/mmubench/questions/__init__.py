"""Our own EM questions: English and six further languages, for every kind of concept."""

from collections.abc import Mapping

from unsee.suites.mmubench.questions.chinese import CHINESE
from unsee.suites.mmubench.questions.english import ENGLISH
from unsee.suites.mmubench.questions.french import FRENCH
from unsee.suites.mmubench.questions.german import GERMAN
from unsee.suites.mmubench.questions.japanese import JAPANESE
from unsee.suites.mmubench.questions.russian import RUSSIAN
from unsee.suites.mmubench.questions.spanish import SPANISH
from unsee.suites.mmubench.questions.templates import Templates

__all__ = ["ENGLISH", "OTHER_LANGUAGES", "Templates"]

OTHER_LANGUAGES: Mapping[str, Templates] = {
    "es": SPANISH,
    "fr": FRENCH,
    "zh": CHINESE,
    "de": GERMAN,
    "ja": JAPANESE,
    "ru": RUSSIAN,
}
"""By ISO 639-1 code, in the order of the paper."""
