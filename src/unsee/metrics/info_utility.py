"""Pages of the figures of the local utility suites."""

from __future__ import annotations

from unsee.metrics.page import OURS, SHARE, MetricInfo

_POPE, _MME, _VQA = "POPE, arXiv 2305.10355", "MME, arXiv 2306.13394", "VQA, arXiv 1505.00468"
_PUBLISHED_POPE = "every reply without No, no or not in its first sentence is yes, the empty one too"
_PUBLISHED_MME = "yes or no within the first four characters"
_CAREFUL = "a reply that is neither yes nor no is wrong"

UTILITY: tuple[MetricInfo, ...] = (
    MetricInfo(
        "pope_accuracy",
        "Objects: right yes or no (POPE)",
        "share of right answers to: is there a ... in the picture?",
        "higher",
        SHARE,
        _POPE,
        "half of the labels are yes: a constant answer gets 0.5",
        {"released_code": _PUBLISHED_POPE, "corrected": _CAREFUL},
    ),
    MetricInfo(
        "pope_precision",
        "Objects: a yes is right (POPE)",
        "share of right answers among those that say yes",
        "higher",
        SHARE,
        _POPE,
        "a model that says yes twice can have 1: read recall; absent when nothing was answered yes",
    ),
    MetricInfo(
        "pope_recall",
        "Objects: found (POPE)",
        "share of yes where the object is there",
        "higher",
        SHARE,
        _POPE,
        "always yes scores 1: read precision",
    ),
    MetricInfo(
        "pope_f1",
        "Objects: F1 (POPE)",
        "harmonic mean of precision and recall; interval as of a share of that many answers",
        "higher",
        SHARE,
        _POPE,
        "always yes scores 0.67 where half the labels are yes",
    ),
    MetricInfo(
        "pope_yes_rate",
        "Objects: share of yes (POPE)",
        "share of replies that say yes; the share of labels is where it should be",
        "higher",
        SHARE,
        _POPE,
        "neither high nor low is good: compare with the target",
    ),
    MetricInfo(
        "pope_undecided",
        "Objects: neither yes nor no (POPE)",
        "share of replies that are neither",
        "lower",
        SHARE,
        OURS,
        "always 0 in the released reading, which makes them yes",
    ),
    MetricInfo(
        "mme_accuracy",
        "Fourteen tasks (MME)",
        "mean over tasks of the share of right answers",
        "higher",
        SHARE,
        _MME,
        "every picture has one yes and one no: a constant answer gets 0.5",
        {"released_code": _PUBLISHED_MME, "corrected": _CAREFUL},
    ),
    MetricInfo(
        "mme_accuracy_plus",
        "Fourteen tasks, whole pictures (MME)",
        "mean over tasks of the share of pictures with both questions right",
        "higher",
        SHARE,
        _MME,
        "a constant answer gets 0",
        {"released_code": _PUBLISHED_MME, "corrected": _CAREFUL},
    ),
    MetricInfo(
        "mme_score",
        "Published sum (MME)",
        "sum over tasks of 100 (accuracy + accuracy of whole pictures)",
        "higher",
        (0.0, None),
        _MME,
        "it grows with the number of tasks: 2000 at most for perception, 800 for cognition",
    ),
    MetricInfo(
        "vqa_accuracy",
        "Open questions (VQA accuracy)",
        "mean over humans left out of min(equal answers among the rest / 3, 1), after the official folding",
        "higher",
        SHARE,
        _VQA,
        "sentences score 0: the question must ask for a word",
    ),
    MetricInfo(
        "choice_accuracy",
        "Multiple choice",
        "share of questions with the right option, read out of the reply or the likeliest",
        "higher",
        SHARE,
        OURS,
        "guessing gives 1 / options; replies that choose nothing are wrong: read choice_unread",
    ),
    MetricInfo(
        "choice_circular",
        "Multiple choice, in every order",
        "share of questions right in every order of their options",
        "higher",
        SHARE,
        "MMBench, arXiv 2307.06281",
        "only where the file shows several orders",
    ),
    MetricInfo(
        "choice_unread",
        "Multiple choice: no option chosen",
        "share of replies that choose no option or several",
        "lower",
        SHARE,
        OURS,
        "by likelihood something is always chosen: then it is absent",
    ),
)
