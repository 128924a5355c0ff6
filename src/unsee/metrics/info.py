"""One page per metric: what it is, which way is better, its range, its source and when it misleads."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from unsee.metrics.info_mllmu import MLLMU
from unsee.metrics.info_mmubench import EM_READINGS, MMUBENCH
from unsee.metrics.info_utility import UTILITY
from unsee.metrics.page import OURS, SHARE, SIU, MetricInfo

__all__ = ["METRICS", "OURS", "SIU", "MetricInfo"]

_PAGES = (
    MetricInfo(
        "naming_rate",
        "Replies that name the concept",
        "share of replies to name questions on unseen pictures that say a name (denials do not count)",
        "lower",
        SHARE,
        f"EM of {SIU}, with whole words",
        "the model answers everything with noise, nothing or No: read degenerate_rate and what is kept; "
        "a name the user did not list as alias is not seen",
    ),
    MetricInfo(
        "generality_name",
        "Unseen pictures no longer named",
        "1 - naming_rate",
        "higher",
        SHARE,
        f"generality of {SIU}",
        "as naming_rate",
    ),
    MetricInfo(
        "efficacy",
        "Training picture no longer named",
        "share of replies on the training picture that are language and do not name the concept",
        "higher",
        SHARE,
        f"efficacy of {SIU}",
        "it says nothing about other pictures; one picture means few questions and wide intervals",
        EM_READINGS,
    ),
    MetricInfo(
        "mention_rate",
        "Replies that hold any part of the name",
        "share of replies to name questions with a distinctive word of a name, denied or not",
        "lower",
        SHARE,
        OURS,
        "another person shares the first or last name: compare with gold",
    ),
    MetricInfo(
        "yes_no_balanced",
        "Is this the concept?",
        "mean of the accuracy on its pictures (yes) and on other pictures (no)",
        "lower",
        SHARE,
        f"yes/no form of {SIU}, balanced",
        "0.5 is reached by a model that cannot tell and by one that always says No; below 0.5 is not better",
    ),
    MetricInfo(
        "others_yes_no",
        "Is this <another name>?",
        "the same balance for others whom the target knows",
        "higher",
        SHARE,
        OURS,
        "0.5 is chance: a constant answer",
    ),
    MetricInfo(
        "c_dis",
        "Distance of the name's probability",
        "mean |p_target(C) log(p_target(C) / p(C))|, p(C) that of the whole name in a fixed answer",
        "higher",
        (0.0, 23.03),
        SIU,
        "near 0 whatever happened if the target hardly knows the concept; collapse raises it as well",
        {
            "paper": "-p_target log(p_target / p) of the name, as printed: forgetting is negative",
            "released_code": "for the first token of each special word |sum over all positions of the prompt "
            "of p_target (log p_target - log p)|, mean over words: nothing is answered, gains hide losses",
            "corrected": "as above, p clamped at 1e-10",
        },
    ),
    MetricInfo(
        "facts_by_picture",
        "Facts answered from its picture",
        "share of correct replies to facts asked about a picture of the concept, without the name",
        "lower",
        SHARE,
        f"multi-hop questions of {SIU}",
        "facts that can be guessed or seen: compare with gold and blind",
    ),
    MetricInfo(
        "facts_by_text",
        "Facts answered by name",
        "share of correct replies to text-only facts about the concept",
        "higher",
        SHARE,
        f"aim T3 of {SIU}",
        "the target did not know them; keyword rules miss free rewordings",
    ),
    MetricInfo(
        "facts_agreement",
        "Text about the concept unchanged",
        "share of open text replies about the concept with the target's content (F1 of words >= .5)",
        "higher",
        SHARE,
        OURS,
        "rewordings with other words count as changed; the target's errors count as right",
    ),
    MetricInfo(
        "others_named",
        "Others still named",
        "share of correct names on pictures of others",
        "higher",
        SHARE,
        OURS,
        "few identities: the interval resamples them",
    ),
    MetricInfo(
        "neighbours_named",
        "Look-alikes still named",
        "share of correct names on pictures of look-alikes",
        "higher",
        SHARE,
        OURS,
        "few identities: the interval resamples them",
    ),
    MetricInfo(
        "strangers_refused",
        "Strangers refused",
        "share of refusals on people nobody knows",
        "higher",
        SHARE,
        OURS,
        "a model that refuses everything scores 1: read refusal_rate",
    ),
    MetricInfo(
        "attributes",
        "What can be seen of a person",
        "share of correct replies about visible attributes",
        "higher",
        SHARE,
        OURS,
        "an attribute with one frequent value can be guessed: compare with blind",
    ),
    MetricInfo(
        "scenes",
        "What can be seen in a scene",
        "share of correct replies about scenes",
        "higher",
        SHARE,
        OURS,
        "frequent values can be guessed: compare with blind",
    ),
    MetricInfo(
        "retain_agreement",
        "Other pictures answered as before",
        "share of replies on unlabelled other pictures with the target's content (F1 of words >= .5)",
        "higher",
        SHARE,
        OURS,
        "the target's errors count as right; long descriptions vary without harm",
    ),
    MetricInfo(
        "choice_likelihood",
        "True name the likeliest option",
        "share of the concept's pictures on which its name is likelier than invented names",
        "lower",
        SHARE,
        OURS,
        "a frequent name is likely on any picture: read choice_control",
    ),
    MetricInfo(
        "choice_control",
        "True name the likeliest elsewhere",
        "the same on pictures that do not show the concept",
        "lower",
        SHARE,
        OURS,
        "this is the floor of choice_likelihood, not a goal",
    ),
    MetricInfo(
        "fluency_ppl",
        "Perplexity of its replies",
        "geometric mean over open replies of exp(-mean log p) under the frozen target",
        "lower",
        (1.0, None),
        f"fluency, after {SIU}",
        "short stock phrases and loops are unsurprising: read diversity too; empty replies have none",
        {
            "paper": "the target's answer under the unlearned model, the name's tokens as 1 / vocabulary; "
            "arithmetic mean",
            "released_code": "the prompt under the unlearned model, the name's tokens left out: answers play "
            "no part; arithmetic mean",
            "corrected": "the reply under the frozen target; geometric mean",
        },
    ),
    MetricInfo(
        "diversity",
        "Variety of its replies",
        "different word pairs / word pairs over all open replies (distinct-2)",
        "higher",
        SHARE,
        "distinct-n, arXiv 1510.03055; the SIU paper counts unique words",
        "it falls with the number of replies and noise raises it: compare on equal questions only",
        {
            "paper": "number of different words over all replies",
            "released_code": "mean over replies of different words / words, words cut at white space, 0 for "
            "an empty reply: one template for everything scores 1 (printed as 100)",
            "corrected": "distinct-2 over the pool",
        },
    ),
    MetricInfo(
        "degenerate_rate",
        "Empty or gibberish replies",
        "share of replies that are empty or break one of seven fixed rules",
        "lower",
        SHARE,
        OURS,
        "fluent nonsense passes: read fluency_ppl",
    ),
    MetricInfo(
        "refusal_rate",
        "Refusals where an answer is due",
        "share of refusals among questions that should go on being answered",
        "lower",
        SHARE,
        OURS,
        "refusals in languages other than English are known in basic forms only",
    ),
    MetricInfo(
        "repeated_reply_rate",
        "One reply for everything",
        "share of the most frequent reply among different questions that should be answered",
        "lower",
        SHARE,
        OURS,
        "many questions with the same right answer raise it: compare with the target",
    ),
)
METRICS: Mapping[str, MetricInfo] = MappingProxyType(
    {page.id: page for page in (*_PAGES, *MMUBENCH, *MLLMU, *UTILITY)}
)
"""Every metric by id, in the order of reports."""
