"""The result files of the MLLMU-Bench release, written from our records, so that scripts made for them go on.

Same names, sections, keys, units and order; accuracies in percent, ROUGE and BLEU as fractions. The records
decide what is in them: of ``corrected`` the accuracies are ``mllmu_choice`` and ``mllmu_cloze``. ROUGE and
BLEU are those of the release, on whole replies, for every protocol.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from unsee.nouns import Modality
from unsee.suites.mllmu.asks import Ask
from unsee.suites.mllmu.presets import SETS, Preset, SetName, Task
from unsee.suites.mllmu.reading import is_right
from unsee.suites.mllmu.scoring import RELEASED, Answered, released_generation

SECTIONS: dict[SetName, str] = {
    "forget": "Forget Set Results",
    "test": "Test Set Results",
    "retain": "Retain Set (shared dataset) Results",
    "real": "Retain Set (real person) Results",
}
FILES: dict[SetName, str] = {
    "forget": "forget",
    "test": "test",
    "retain": "retain_shared",
    "real": "retain_celebrity",
}
TYPES: dict[Modality, str] = {"image_text": "Image_Textual", "text": "Pure_Text"}
SCORES = {
    "mllmu_rouge_1": "ROUGE-1",
    "mllmu_rouge_2": "ROUGE-2",
    "mllmu_rouge_l": "ROUGE-L",
    "mllmu_bleu": "BLEU",
}
assert list(SCORES) == [*RELEASED, "mllmu_bleu"], RELEASED


def official_files(preset: Preset, answered: Answered, file: str) -> dict[str, str]:
    """The files by name, as text.

    Args:
        preset: The protocol the records were made with.
        answered: Questions with their records, in the order asked.
        file: What stands before ``_final_evaluation_results.json``.

    Returns:
        ``<file>_final_evaluation_results.json`` and, of each set asked,
        ``{forget,test,retain_shared,retain_celebrity}_generation_results.json``.
    """
    sets = [name for name in SETS if any(a.set == name for a, _ in answered)]
    results = {SECTIONS[name]: _section(preset, [x for x in answered if x[0].set == name]) for name in sets}
    made = {
        f"{file}_final_evaluation_results.json": json.dumps(results, ensure_ascii=False, indent=4),
    }
    for name in sets:
        spoken = [(a, r) for a, r in answered if a.set == name and a.task == "generation"]
        lines = [_line(a, r.reply) for a, r in spoken]
        made[f"{FILES[name]}_generation_results.json"] = json.dumps({"Generation_Questions": lines}, indent=4)
    return made


def _section(preset: Preset, answered: Answered) -> dict[str, Any]:
    cloze = {
        "image_textual_accuracy": _percent(preset, answered, "cloze", "image_text"),
        "pure_text_accuracy": _percent(preset, answered, "cloze", "text"),
    }
    choice = {
        "Image-Textual Question Accuracy": _percent(preset, answered, "choice", "image_text"),
        "Pure Text Question Accuracy": _percent(preset, answered, "choice", "text"),
    }
    whole = {"fill_in_the_blank": cloze, "classification": choice, "generation": _averages(answered)}
    return whole if preset.cloze else {key: whole[key] for key in ("classification", "generation")}


def _percent(preset: Preset, answered: Answered, task: Task, modality: Modality) -> float:
    """Right of asked in percent; 0 without questions, as in the release."""
    right = [is_right(preset, a, r.reply) for a, r in answered if (a.task, a.modality) == (task, modality)]
    return (sum(right) / len(right)) * 100 if right else 0


def _averages(answered: Answered) -> dict[str, float]:
    found: dict[str, float] = {}
    for modality, name in TYPES.items():
        spoken = [(a, r) for a, r in answered if a.task == "generation" and a.modality == modality]
        scores = [released_generation(a, r.reply) for a, r in spoken]
        for metric, title in SCORES.items() if scores else ():
            found[f"Average {title} ({name})"] = _mean([one[metric] or 0.0 for one in scores])
    return found


def _mean(values: Sequence[float]) -> float:
    """Added one by one: ``sum`` of later Python versions rounds in another way, and digits are compared."""
    total = 0.0
    for value in values:
        total += value
    return total / len(values)


def _line(ask: Ask, reply: str) -> dict[str, str]:
    return {
        "image_id": ask.person,
        "question type": TYPES[ask.modality],
        "question": ask.question,
        "generated_answer": reply,
        "ground_truth": ask.truth,
    }
