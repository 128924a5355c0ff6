"""The questionnaire of ``unsee forget``: what is gone, what is kept, and whether the target ever knew."""

from unsee.suites.concept.collapse import Reason, collapse_reasons
from unsee.suites.concept.gate import gate
from unsee.suites.concept.questionnaire import SPLITS, Questionnaire
from unsee.suites.concept.run import evaluate_model
from unsee.suites.concept.scoring import by_model, normalise, score_records
from unsee.suites.concept.user import user_questionnaire
from unsee.suites.concept.wordings import Wordings

__all__ = [
    "SPLITS",
    "Questionnaire",
    "Reason",
    "Wordings",
    "by_model",
    "collapse_reasons",
    "evaluate_model",
    "gate",
    "normalise",
    "score_records",
    "user_questionnaire",
]
