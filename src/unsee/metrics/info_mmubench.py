"""Pages of the figures of MMUBench (SIU, arXiv 2405.12523) and of membership inference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from unsee.metrics.page import OURS, SHARE, SIU, MetricInfo
from unsee.metrics.variants import Variant

EM_READINGS: Mapping[Variant, str] = {
    "paper": "the target word does not occur as a whole word; a denial that repeats it counts as identified",
    "released_code": "the target, as the file spells it, is no substring of the reply in small letters: "
    '"eyes" holds "yes", nothing at all is success',
    "corrected": "the reply is language and neither says a name nor, to a yes/no question, yes",
}
_NO_MEANS_ALL = "No to everything, refusals and noise raise it: read degenerate_rate and what is kept"
_AUC = "an AUC below gold's is no merit: it shows that something was removed; read the gap to gold"
_RENYI = {"0.5": "1/2", "1": "1 (Shannon)", "2": "2", "inf": "infinity"}

_EM = (
    MetricInfo(
        "em",
        "Not identified (EM)",
        "share of replies that do not identify the concept, name and yes/no questions together",
        "higher",
        SHARE,
        f"generality of {SIU}",
        f"most questions are yes/no, so that these decide it; {_NO_MEANS_ALL}",
        EM_READINGS,
    ),
    MetricInfo(
        "em_name",
        "Not named (EM, name questions)",
        "EM of the questions that ask for a name",
        "higher",
        SHARE,
        f"{SIU}, reported apart",
        f"few questions have this form; {_NO_MEANS_ALL}",
        EM_READINGS,
    ),
    MetricInfo(
        "em_yes_no",
        "Not confirmed (EM, yes/no questions)",
        "EM of the yes/no questions about pictures of the concept",
        "higher",
        SHARE,
        f"{SIU}, reported apart",
        f"read yes_no_balanced instead; {_NO_MEANS_ALL}",
        EM_READINGS,
    ),
)
_JUDGED = (
    MetricInfo(
        "g_eval",
        "Grade of recognition (G-Eval)",
        "mean grade of a judge, 1 unrelated or another name to 5 identified outright",
        "lower",
        (1.0, 5.0),
        SIU,
        "judges differ: compare figures of one judge only; read judge_agreement and g_eval_unscored",
        {
            "paper": "judged by GPT-4; an empty or garbled reply is unrelated, grade 1",
            "released_code": "gpt-4-turbo at temperature 0.3; the first number in its text, whatever it is",
            "corrected": "any pinned judge at temperature 0, text of one digit only; what is no language or "
            "has no grade is counted and not scored",
        },
    ),
    MetricInfo(
        "g_eval_unscored",
        "Replies without a grade",
        "share of replies that are no language or whose grade could not be read",
        "lower",
        SHARE,
        OURS,
        "it does not say which of the two it was: the records do",
    ),
    MetricInfo(
        "judge_agreement",
        "Judge agrees with itself",
        "share of replies that the rule judge grades like the same reply in other words, by a fixed table of "
        "phrases; beside it kappa with quadratic weights",
        "higher",
        SHARE,
        "weighted kappa: Cohen 1968",
        "most replies get one grade: then chance agrees as well, read kappa; replies without a phrase of the "
        "table take no part",
    ),
)
_ATTACKS = (
    MetricInfo(
        "multi_hop",
        "Facts told one step further",
        "share of replies with the key fact, asked of whoever is in the picture",
        "lower",
        SHARE,
        SIU,
        "facts that can be guessed: compare with gold; silence scores 0: read multi_hop_degenerate",
        {
            "paper": "accuracy of right answers, judged by GPT-4",
            "released_code": "0 or 1 by gpt-4-turbo",
            "corrected": "the key fact as whole words, outside a negation",
        },
    ),
    MetricInfo(
        "multilingual",
        "Identified in other languages",
        "share of replies in six languages that identify the concept under a name of that language",
        "lower",
        SHARE,
        SIU,
        "a spelling that is not in the table of names is not seen; silence scores 0: read "
        "multilingual_degenerate",
        {
            "paper": "G-Eval of the replies",
            "released_code": "G-Eval of the replies by gpt-4-turbo",
            "corrected": "by rule with names per language; G-Eval beside it",
        },
    ),
)
_SPREAD = (
    MetricInfo(
        "distinct_1",
        "Variety of words",
        "different words / words over all replies",
        "higher",
        SHARE,
        "distinct-n, arXiv 1510.03055",
        "it falls with the number of replies: compare on equal questions only",
    ),
    MetricInfo(
        "specificity",
        "What the model still can",
        "mean over utility suites, unweighted",
        "higher",
        SHARE,
        SIU,
        "means over different suites do not compare: the paper has one of eight and, elsewhere, MM-Vet alone",
    ),
    MetricInfo(
        "specificity_local",
        "What the model still can, on local files",
        "mean over the given suites, unweighted: accuracy of POPE, MME, VQA and multiple choice",
        "higher",
        SHARE,
        SIU,
        "a constant answer gets 0.5 on POPE and MME: read the paired difference to the target",
        {
            "paper": "each suite by its published rule, as the released code has it",
            "corrected": "a reply that is neither yes nor no, or chooses nothing, is wrong",
        },
    ),
)
_GROUPS = (
    MetricInfo(
        "group_named",
        "Named beside somebody else",
        "share of replies that name the concept, asked for it in a picture of two people",
        "lower",
        SHARE,
        OURS,
        "a model that mixes up left and right scores low: read group_others_named",
    ),
    MetricInfo(
        "group_others_named",
        "The other one named in a picture of two",
        "share of right names of the person beside the concept",
        "higher",
        SHARE,
        OURS,
        "the paper calls its loss a success where that person belongs to the concept; here it is damage",
    ),
)
_PUBLISHED = (
    MetricInfo(
        "mia_rouge",
        "Suspicious queries answered alike",
        "ROUGE-L of the replies before and after, over queries whose Min-40% ratio is inside (1/1.15, 1.15)",
        "lower",
        SHARE,
        SIU,
        "few suspicious queries (read their number); it never looks at anything that was not trained on",
        {
            "paper": "mean F1 over suspicious queries",
            "released_code": "mean recall, values up to 0.1 dropped first; log-probabilities are not aligned",
            "corrected": "F1 and recall, zeros kept, number of suspicious queries beside it",
        },
    ),
    MetricInfo(
        "mia_rouge_recall",
        "The same by recall",
        "as mia_rouge, recall instead of F1, zeros kept",
        "lower",
        SHARE,
        SIU,
        "as mia_rouge",
    ),
    MetricInfo(
        "mia_suspicious",
        "Suspicious queries",
        "share of queries whose Min-40% ratio before and after is inside (1/1.15, 1.15)",
        "lower",
        SHARE,
        SIU,
        "any change of the model lowers it, damage too",
    ),
)

_MEMORISED = (
    MetricInfo(
        "truth_probability",
        "Probability of true sentences",
        "mean of exp(mean log p per token) over the sentences of the member queries",
        "lower",
        SHARE,
        "TOFU, arXiv 2401.06121",
        "a sentence that is likely anyway stays likely: compare with gold",
    ),
    MetricInfo(
        "exact_memorisation",
        "True sentences memorised",
        "mean share of the tokens of those sentences that the model would have chosen, given those before",
        "lower",
        SHARE,
        "arXiv 2205.10770",
        "words that follow from grammar count as memorised: compare with gold",
    ),
    MetricInfo(
        "extraction_strength",
        "True sentences continued without a slip",
        "mean share of those sentences, at their end, that the model continues token by token",
        "lower",
        SHARE,
        "arXiv 2012.07805",
        "one wrong token at the end makes it 0; compare with gold",
    ),
)


def _membership() -> Iterator[MetricInfo]:
    """AUC of each score; ``_tpr_1``, ``_tpr_5`` and ``_gap`` behind the id say what else is read of it."""
    scores = {
        "loss": ("their loss", "mean log p", "arXiv 1709.01604"),
        "zlib": ("loss and zlib", "mean log p over the bytes of the compressed text", "arXiv 2012.07805"),
        "min_k": ("Min-K%", "mean of the lowest 20 % of log p", "arXiv 2310.16789"),
        "min_k_pp": (
            "Min-K%++",
            "mean of the lowest 20 % of log p in standard deviations from its expectation",
            "arXiv 2404.02936",
        ),
    }
    scores |= {
        f"{prefix}max_renyi_{key}": (
            f"MaxRenyi-K%{of}, order {order}",
            f"minus the mean of the highest 20 % of the Renyi entropies of order {order} over {where}",
            "arXiv 2411.02902",
        )
        for prefix, of, where in (
            ("", "", "the true sentence"),
            ("picture_", " of their picture", "the positions of the picture"),
        )
        for key, order in _RENYI.items()
    }
    for name, (title, formula, source) in scores.items():
        yield MetricInfo(
            f"mia_{name}",
            f"Members told by {title}",
            f"AUC of members against non-members by {formula}. With _tpr_1 and _tpr_5 behind the id: share "
            "of members found at 1 % and 5 % false alarms; with _gap: AUC minus gold's",
            "lower",
            SHARE,
            source,
            f"one picture is trained on: read it over many concepts; {_AUC}" if "picture" in name else _AUC,
        )


MMUBENCH: tuple[MetricInfo, ...] = (
    *(*_EM, *_JUDGED, *_ATTACKS, *_SPREAD, *_GROUPS, *_PUBLISHED),
    *_membership(),
    *_MEMORISED,
)
