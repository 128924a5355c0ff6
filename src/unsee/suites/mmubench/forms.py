"""What a question of a released file is: by name or yes/no, and in which language."""

from __future__ import annotations

import re
from collections.abc import Sequence

from unsee.metrics.words import fold, words
from unsee.nouns import QuestionKind

_SCRIPTS = (("ja", r"[\u3040-\u30ff]"), ("zh", r"[\u4e00-\u9fff]"), ("ru", r"[\u0400-\u04ff]"))
_COMMON = {
    "es": "el la los las en de una un es esta este se ve puede como cual su con del al que si estilo nombre",
    "fr": "le la les l un une est sur cette on vous tu avec d dans et son du au que ce qui nom comment",
    "de": "der die das ist auf diesem dieser dieses diese wie den dem ein kann man zu mit und heisst was du",
    "en": "the is a in this of to on with does can you see do it me am i or by that",
}
_ASKING = (
    r"(?:who|how|whom|whose|what|which|name|identify|tell|quien|quienes|como|cual|que|nombra|identifica|di|sabes|"
    r"qui|quel|quelle|comment|identifie|dis|sais|wer|wen|wie|was (?:ist|sieht|zeigt|soll)|"
    r"wessen|welche\w*|nenne|sage|weisst|"
    r"кто|кого|что|чей|чье|как|какои|какое|каким|назови|скажи)\b"
)
_ASKING_ANYWHERE = "谁|什么|哪|怎么称呼|说出|的名字吗|誰|何|どの|どんな|名前を(?:言|知)|名前で答"
_RECOGNISE = (
    r"\b(?:identif\w*|reconocer|reconnaitre|recogni[sz]e|erkennen|узнать|определить|распознать)\b"
    r"|识别|認識|特定"
)
MIN_PART = 4  # letters that a part of a name needs to be looked for inside inflected words


def language_of(prompt: str) -> str:
    """ISO 639-1 code: by script for ja, zh, ru, by frequent words for es, fr, de, en (the default)."""
    for code, script in _SCRIPTS:
        if re.search(script, prompt):
            return code
    if "¿" in prompt or "¡" in prompt:
        return "es"
    said = words(fold(prompt).replace("'", " ").replace("\u2019", " "))
    scores = {code: sum(w in common.split() for w in said) for code, common in _COMMON.items()}
    best = max(scores, key=lambda code: scores[code])
    return best if scores[best] > scores["en"] else "en"


def holds_name(prompt: str, names: Sequence[str]) -> bool:
    """Whether the prompt holds a name or a long part of one, inflected or not."""
    plain = fold(prompt)
    for name in names:
        parts = words(fold(name))
        if fold(name) in plain or any(len(p) >= MIN_PART and p in plain for p in parts):
            return True
    return False


def form_of(prompt: str, names: Sequence[str]) -> QuestionKind:
    """``name`` or ``yes_no`` of a prompt that has no target.

    A prompt that begins with a question word asks for the name. So does one without the name that has such a
    word further on or asks to recognise somebody. All others ask whether it is the concept. A name in a
    script that is not among ``names`` is not seen: give it as an alias.
    """
    plain = fold(prompt).lstrip("¿¡ ")
    if re.match(_ASKING, plain) or re.search(_ASKING_ANYWHERE, plain):
        return "name"
    asks = re.search(r"\b" + _ASKING, plain) or re.search(_RECOGNISE, plain)
    return "name" if asks and not holds_name(prompt, names) else "yes_no"


def form_of_target(target: str) -> QuestionKind:
    """``yes_no`` where the first word of the target is yes or no, else ``name``."""
    return "yes_no" if words(target)[:1] in (("yes",), ("no",)) else "name"
