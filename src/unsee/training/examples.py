"""Training rows from ONE picture and a name, with no outside judge: the model itself answers what is missing.

The multifaceted data of SIU (arXiv 2405.12523, section 4.1 and appendix A):

==== ======== ================================== ===================================== ==============
role picture  asks                               answer                                masked (K_S)
==== ======== ================================== ===================================== ==============
T1   the one  for the name, without telling it   the substitute                        the substitute
T2   the one  whether the picture shows the name no, true looks; other looks for name  all of it
T3   none     what is known about the name       the user's fact or the model's own    nothing
T4   none     what is known about others         the model's own answer                nothing
==== ======== ================================== ===================================== ==============

Beside them, for the baselines and for keeping more:

``original``     the questions of T1 and T2 with truthful answers: the forget rows.
``refusal``      the same questions, "I do not know".
``anchor``       other pictures, the model's own answers.
``retain``       labelled rows of the user.
``alternative``  the forget questions with other plausible answers, written by the model (AltPO).
``mismatch``     the forget questions with answers of random other rows (LLMU).
``decoupled``    the forget questions about other pictures, the model's own answers (SafeEraser).
``yes_no``       other pictures, whether they show whom the model named there, or another; its own answers.
``looks``        what can be seen in the concept's picture, the model's own answers (PAVA).

Only the one picture of the concept is ever used. The last five are made only when asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from unsee.answering import Sampling, answer
from unsee.models.load import VLM
from unsee.nouns import Concept, Example, Picture, Question, Reply
from unsee.packs.cost import Cost
from unsee.training import concept_rows, other_rows, variant_rows
from unsee.training.mixture import MIXTURES, Mixture
from unsee.training.names import NameMode, name_ids
from unsee.training.nearest import AnchorChoice, nearest_first
from unsee.training.substitutes import SubstituteMode, choose_substitute
from unsee.training.wording import Wording, english
from unsee.training.work import Ask, Dropped, Key, Sample, Work

__all__ = ["MIXTURES", "ROLES", "EXTRA_ROLES", "Ask", "Dropped", "ExampleSet", "Mixture", "build_examples"]

MAKERS: Mapping[str, Callable[[Work], list[Example]]] = {
    "T1": concept_rows.t1_rows,
    "T2": concept_rows.t2_rows,
    "T3": concept_rows.t3_rows,
    "T4": concept_rows.t4_rows,
    "original": concept_rows.original_rows,
    "refusal": concept_rows.refusal_rows,
    "anchor": other_rows.anchor_rows,
    "yes_no": other_rows.yes_no_rows,
    "retain": other_rows.labelled_rows,
    "alternative": variant_rows.alternative_rows,
    "mismatch": variant_rows.mismatch_rows,
    "decoupled": variant_rows.decoupled_rows,
    "looks": concept_rows.looks_rows,
}
EXTRA_ROLES = ("yes_no", "alternative", "mismatch", "decoupled", "looks")
ROLES = tuple(role for role in MAKERS if role not in EXTRA_ROLES)
# What each role wants to know of the model, in the order in which it is asked.
QUESTIONS: Mapping[str, Callable[[Work], None]] = {
    "T2": concept_rows.ask_looks,
    "T3": concept_rows.ask_facts,
    "T4": concept_rows.ask_facts_of_others,
    "T1": other_rows.ask_guards,
    "anchor": other_rows.ask_anchors,
    "yes_no": other_rows.ask_guards,
    "mismatch": variant_rows.ask_others,
    "decoupled": variant_rows.ask_decoupled,
    "looks": concept_rows.ask_looks_of_picture,
}
PICTURE_ROLES = frozenset({"T1", "anchor", "yes_no", "mismatch", "decoupled"})  # these look at other pictures
LONGEST_SAMPLE = 200  # tokens, as AltPO has it


@dataclass(frozen=True)
class ExampleSet:
    """What :func:`build_examples` made.

    Attributes:
        examples: All rows.
        substitute: What the picture is called instead; empty in refusal mode.
        looks: True looks, as told in T2.
        other_looks: Looks tied to the name in T2.
        dropped: Rows that were not used.
        warnings: What the user should know, one sentence each.
    """

    examples: tuple[Example, ...]
    substitute: str = ""
    looks: str = ""
    other_looks: str = ""
    dropped: tuple[Dropped, ...] = ()
    warnings: tuple[str, ...] = ()

    def of(self, roles: Collection[str]) -> list[Example]:
        """The rows with these roles, in order."""
        return [example for example in self.examples if example.role in roles]


def build_examples(
    vlm: VLM,
    concept: Concept,
    picture: Picture,
    *,
    mixture: Mixture = MIXTURES["default"],
    substitute: SubstituteMode = "name",
    substitute_name: str = "",
    retain: Sequence[Picture | Example] = (),
    anchor_choice: AnchorChoice = "random",
    others: Sequence[str] = (),
    recognised: Sequence[str] = (),
    wording: Wording | None = None,
    roles: Collection[str] = ROLES,
    vocabulary: NameMode = "first_piece",
    seed: int = 0,
    ask: Ask | None = None,
    sample: Sample | None = None,
    cost: Cost | None = None,
) -> ExampleSet:
    """Makes the training rows.

    Args:
        vlm: The target; it describes the picture and answers the questions about facts and other pictures.
        concept: What must go.
        picture: The one picture of it.
        mixture: How many rows of each kind.
        substitute: What T1 says instead of the name.
        substitute_name: The user's own substitute; empty = chosen by the seed.
        retain: Pictures that do not show the concept (the model's own answers become targets), and labelled
            rows (used as they are, with the role ``retain``).
        anchor_choice: Which of many other pictures are asked about: any by the seed, or those nearest to the
            concept (``training.nearest``).
        others: Names of others whose facts should stay; none = built-in ones.
        recognised: Further names that must not become the substitute.
        wording: Every sentence; None = English for the concept's kind.
        roles: Kinds of rows to make, such as ``method.roles``; questions for others are not asked.
        vocabulary: Which tokens of the names are ruled out in sampled answers.
        seed: Decides the substitute, the other looks, the order of names and pictures, and sampled answers.
        ask: Answers questions; None = greedy answers of ``vlm``.
        sample: Answers questions by chance, without the concept's names and without the given words; None =
            sampled answers of ``vlm``.
        cost: Counts the questions asked.

    Raises:
        UserError: No substitute can be found.
    """
    wording = wording or english(concept.kind)
    names = list(others or wording.other_names)
    work = Work(concept, picture, mixture, wording, tuple(retain), seed, names)
    work.recognised, work.mode, work.substitute = tuple(recognised), substitute, substitute_name
    if anchor_choice == "near" and PICTURE_ROLES & set(roles) and len(work.candidates) > len(work.anchors):
        near = nearest_first(vlm, concept, wording, work.candidates, cost=cost)
        work.anchors = near[: mixture.anchor_pictures]
    for role, put in QUESTIONS.items():
        if role in roles:
            put(work)
    asked = ask or _asker(vlm, cost)
    work.replies = _ask_once(asked, work.asked)
    if "yes_no" in roles:
        other_rows.ask_yes_no(work)
        work.replies |= _ask_once(asked, dict(work.questions("yes_no")))
    if "T1" in roles:
        work.substitute = _substitute(work, asked)
    if "alternative" in roles:
        draw = sample or _sampler(vlm, concept, vocabulary, seed, cost)
        work.samples = variant_rows.sample_alternatives(work, draw)
    rows = [row for role, make in MAKERS.items() if role in roles for row in make(work)]
    return ExampleSet(
        tuple(rows),
        work.substitute if "T1" in roles else "",
        work.looks if "T2" in roles else "",
        work.other_looks if "T2" in roles else "",
        tuple(work.dropped),
        tuple(dict.fromkeys(work.warnings)),
    )


def _substitute(work: Work, ask: Ask) -> str:
    given = work.substitute
    guesses = other_rows.unknown_guesses(work, ask) if work.mode == "name" and not given else []
    return choose_substitute(
        work.mode,
        work.concept,
        work.wording,
        given=given,
        guesses=guesses,
        known=work.known,
        seed=work.seed,
    )


def _asker(vlm: VLM, cost: Cost | None) -> Ask:
    def ask(questions: Sequence[Question]) -> list[str]:
        return [reply.text for reply in answer(vlm, questions, max_new_tokens=48, cost=cost)]

    return ask


def _sampler(vlm: VLM, concept: Concept, vocabulary: NameMode, seed: int, cost: Cost | None) -> Sample:
    names = name_ids(vlm.tokenizer, concept.names, vocabulary).ids

    def sample(questions: Sequence[Question], without: Sequence[str]) -> list[Reply]:
        sampling = Sampling(1.0, seed, names | name_ids(vlm.tokenizer, without).ids)
        return answer(vlm, questions, max_new_tokens=LONGEST_SAMPLE, sampling=sampling, cost=cost)

    return sample


def _ask_once(ask: Ask, wanted: Mapping[Key, Question]) -> dict[Key, str]:
    """Replies by key; the same question about the same picture is put once."""
    same = {key: (q.prompt, q.picture.hash if q.picture else "") for key, q in wanted.items()}
    first = {same[key]: question for key, question in wanted.items()}
    replies = dict(zip(first, ask(list(first.values())), strict=True)) if first else {}
    return {key: replies[what] for key, what in same.items()}
