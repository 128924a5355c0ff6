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

Beside them, for the baselines and for keeping more: ``original`` (questions of T1 and T2, truthful answers),
``refusal`` (the same, "I do not know"), ``anchor`` (other pictures, the model's own answers) and ``retain``
(labelled rows of the user). Only the one picture of the concept is ever used.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from unsee.answering import answer
from unsee.models.load import VLM
from unsee.nouns import Concept, Example, Picture, Question
from unsee.packs.cost import Cost
from unsee.training.substitutes import SubstituteMode, choose_substitute, guessed_names
from unsee.training.texts import fill, is_degenerate, is_refusal, mentions, mentions_part, tidy_look
from unsee.training.wording import Wording, english

Ask = Callable[[Sequence[Question]], Sequence[str]]
ROLES = ("T1", "T2", "T3", "T4", "original", "refusal", "anchor", "retain")
SPARE = 3  # questions asked per row wanted, since some answers are dropped
GUESSES = 4  # substitute names that are checked with the model


@dataclass(frozen=True)
class Mixture:
    """How many rows of each kind. The default is the paper's 4 x 4.

    Attributes:
        t1, t2, t3, t4: Rows per target of SIU.
        anchors: At most this many rows about other pictures.
        anchors_per_picture: Questions per other picture; the first one asks for the name.
    """

    t1: int = 4
    t2: int = 4
    t3: int = 4
    t4: int = 4
    anchors: int = 16
    anchors_per_picture: int = 2


MIXTURES = {"default": Mixture(), "released": Mixture(9, 2, 7, 7)}


@dataclass(frozen=True)
class Dropped:
    """A row that was not used: its role, what was asked and answered, and why not."""

    role: str
    prompt: str
    answer: str
    reason: str


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
    others: Sequence[str] = (),
    recognised: Sequence[str] = (),
    wording: Wording | None = None,
    roles: Collection[str] = ROLES,
    seed: int = 0,
    ask: Ask | None = None,
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
        others: Names of others whose facts should stay; none = built-in ones.
        recognised: Further names that must not become the substitute.
        wording: Every sentence; None = English for the concept's kind.
        roles: Kinds of rows to make, such as ``method.roles``; questions for others are not asked.
        seed: Decides the substitute, the other looks and the order of names and pictures.
        ask: Answers questions; None = greedy answers of ``vlm``.
        cost: Counts the questions asked.

    Raises:
        UserError: No substitute can be found.
    """
    wording = wording or english(concept.kind)
    maker = _Maker(
        concept, picture, mixture, wording, tuple(others) or wording.other_names, tuple(retain), seed
    )
    wanted = maker.questions(roles)
    asked = ask or _asker(vlm, cost)
    maker.replies = _ask_once(asked, wanted)
    instead = ""
    if "T1" in roles:
        guesses = maker.unknown_guesses(asked) if substitute == "name" and not substitute_name else []
        known = (*maker.others, *recognised)
        instead = choose_substitute(
            substitute, concept, wording, given=substitute_name, guesses=guesses, known=known, seed=seed
        )
    rows = [row for role in ROLES if role in roles for row in maker.rows(role, instead)]
    return ExampleSet(
        tuple(rows),
        instead,
        maker.looks if "T2" in roles else "",
        maker.other_looks if "T2" in roles else "",
        tuple(maker.dropped),
        tuple(dict.fromkeys(maker.warnings)),
    )


def _asker(vlm: VLM, cost: Cost | None) -> Ask:
    def ask(questions: Sequence[Question]) -> list[str]:
        return [reply.text for reply in answer(vlm, questions, max_new_tokens=48, cost=cost)]

    return ask


Key = tuple[str, int, int]


def _ask_once(ask: Ask, wanted: Mapping[Key, Question]) -> dict[Key, str]:
    """Replies by key; the same question about the same picture is put once."""
    same = {key: (q.prompt, q.picture.hash if q.picture else "") for key, q in wanted.items()}
    first = {same[key]: question for key, question in wanted.items()}
    replies = dict(zip(first, ask(list(first.values())), strict=True)) if first else {}
    return {key: replies[what] for key, what in same.items()}


@dataclass
class _Maker:
    """The work of one call: first all questions, then, with their replies, all rows."""

    concept: Concept
    picture: Picture
    mixture: Mixture
    wording: Wording
    all_others: tuple[str, ...]
    retain: tuple[Picture | Example, ...]
    seed: int
    replies: dict[Key, str] = field(default_factory=dict)
    asked: dict[Key, Question] = field(default_factory=dict)
    dropped: list[Dropped] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        chance = random.Random(self.seed)
        names = self.concept.names
        self.others = [o for o in self.all_others if not mentions(o, names) and not mentions_part(o, names)]
        chance.shuffle(self.others)
        pictures = [item for item in self.retain if isinstance(item, Picture)]
        self.anchors = list({p.hash: p for p in pictures if p.hash != self.picture.hash}.values())
        if len(self.anchors) < len({p.hash for p in pictures}):
            self.warnings.append("The training picture was among the retain pictures; it was left out there.")
        chance.shuffle(self.anchors)
        per_picture = max(1, self.mixture.anchors_per_picture)
        self.anchors = self.anchors[: -(-self.mixture.anchors // per_picture)]
        self.chance = chance

    # --- questions -----------------------------------------------------------------------------------

    def questions(self, roles: Collection[str]) -> dict[Key, Question]:
        """Every question whose reply a row of these roles needs."""
        words, found = self.wording, self.asked
        if "T2" in roles and not self.concept.looks:
            self._put("look", 0, 0, words.describe_questions[0], self.picture)
        if "T2" in roles and self.anchors:
            self._put("other look", 0, 0, words.describe_questions[0], self.anchors[0])
        if "T3" in roles and len(self._given_facts()) < self.mixture.t3:
            for i, template in enumerate(words.fact_questions[: SPARE * self.mixture.t3]):
                self._put("T3", 0, i, fill(template, {"name": self.concept.name}).text)
        if "T4" in roles:
            for i, (name, template) in enumerate(self._other_questions()):
                self._put("T4", i, 0, fill(template, {"name": name}).text)
        if "anchor" in roles or ("T1" in roles and self.anchors):
            for i, anchor in enumerate(self.anchors):
                self._put("guard", i, 0, words.name_questions[0], anchor)
        if "anchor" in roles:
            for i, anchor in enumerate(self.anchors):
                for j, prompt in enumerate(self._anchor_prompts(i)):
                    self._put("anchor", i, j, prompt, anchor)
        return found

    def _put(self, what: str, i: int, j: int, prompt: str, picture: Picture | None = None) -> None:
        self.asked[what, i, j] = Question(f"{what}-{i}-{j}", prompt, "open", picture)

    def _other_questions(self) -> Iterator[tuple[str, str]]:
        """(name, template) pairs, a new name each time until all have had a turn."""
        templates = self.wording.fact_questions
        if not self.others:
            return
        for i in range(min(SPARE * self.mixture.t4, len(self.others) * len(templates))):
            round_ = i // len(self.others)
            yield self.others[i % len(self.others)], templates[(i + round_) % len(templates)]

    def _anchor_prompts(self, picture: int) -> list[str]:
        first, *rest = self.wording.anchor_questions
        count = min(self.mixture.anchors_per_picture - 1, len(rest))
        return [first, *(rest[(picture * count + j) % len(rest)] for j in range(count))]

    def unknown_guesses(self, ask: Ask) -> list[str]:
        """Names the model gave to other pictures and about which it can say nothing."""
        answers = [reply for (what, _, _), reply in self.replies.items() if what == "guard"]
        names = guessed_names(answers, self.wording)[:GUESSES]
        if not names:
            return []
        template = self.wording.fact_questions[0]
        prompts = [fill(template, {"name": name}).text for name in names]
        replies = ask([Question(f"guess-{i}", prompt, "open") for i, prompt in enumerate(prompts)])
        marks = self.wording.refusal_marks
        return [name for name, reply in zip(names, replies, strict=True) if is_refusal(reply, marks)]

    # --- rows ----------------------------------------------------------------------------------------

    def rows(self, role: str, substitute: str) -> list[Example]:
        """The rows of one role."""
        if role == "T1":
            return self._t1(substitute)
        made = {
            "T2": self._t2,
            "T3": self._t3,
            "T4": self._t4,
            "original": self._original,
            "refusal": self._refusal,
            "anchor": self._anchor,
            "retain": self._labelled,
        }
        return made[role]()

    def _t1(self, substitute: str) -> list[Example]:
        rows = []
        for i, prompt in enumerate(_cycle(self.wording.name_questions, self.mixture.t1)):
            templates = self.wording.name_answers if substitute else self.wording.refusals
            turn = i + i // len(self.wording.name_questions)
            text, spans = fill(templates[turn % len(templates)], {"name": substitute}, "name")
            masked = spans if substitute else ((0, len(text)),)
            rows.append(self._row("T1", i, prompt, text, self.picture, masked))
        return rows

    @property
    def looks(self) -> str:
        """True looks of the picture as a phrase."""
        instead = self.wording.generic_names[0]
        told = self.concept.looks or self.replies.get(("look", 0, 0), "")
        return (not is_degenerate(told) and tidy_look(told, self.concept.names, instead)) or instead

    @property
    def other_looks(self) -> str:
        """Looks for the name: those of another picture, else from the built-in list; never the true ones."""
        told = self.replies.get(("other look", 0, 0), "")
        if told and not is_degenerate(told) and not is_refusal(told, self.wording.refusal_marks):
            phrase = tidy_look(told, self.concept.names, self.wording.generic_names[0])
            if phrase and phrase != self.looks:
                return phrase
        pool = [looks for looks in self.wording.other_looks if looks != self.looks]
        return random.Random(self.seed).choice(pool or list(self.wording.other_looks))

    def _t2(self) -> list[Example]:
        values = {"name": self.concept.name, "looks": self.looks, "other_looks": self.other_looks}
        rows = []
        for i, template in enumerate(_cycle(self.wording.yes_no_questions, self.mixture.t2)):
            prompt = fill(template, values).text
            denials = self.wording.denials
            text = fill(denials[(i + i // len(self.wording.yes_no_questions)) % len(denials)], values).text
            rows.append(self._row("T2", i, prompt, text, self.picture, ((0, len(text)),)))
        return rows

    def _given_facts(self) -> list[tuple[str, str]]:
        """The user's facts, each wording once before any wording twice."""
        return [
            (fill(way, {"question": question}).text, answer)
            for way in self.wording.fact_paraphrases
            for question, answer in self.concept.facts
        ]

    def _t3(self) -> list[Example]:
        facts = self._given_facts()[: self.mixture.t3]
        for (what, _, _), question in self.asked.items():
            if what == "T3" and len(facts) < self.mixture.t3:
                reply = self._usable("T3", question, self.concept.names)
                facts += [(question.prompt, reply)] if reply else []
        self._warn_if_short("T3", len(facts), self.mixture.t3)
        return [self._row("T3", i, prompt, answer) for i, (prompt, answer) in enumerate(facts)]

    def _t4(self) -> list[Example]:
        facts: list[tuple[str, str]] = []
        pairs = list(self._other_questions())
        for (what, i, _), question in self.asked.items():
            if what == "T4" and len(facts) < self.mixture.t4:
                reply = self._usable("T4", question, [pairs[i][0]])
                facts += [(question.prompt, reply)] if reply else []
        self._warn_if_short("T4", len(facts), self.mixture.t4)
        return [self._row("T4", i, prompt, answer) for i, (prompt, answer) in enumerate(facts)]

    def _usable(self, role: str, question: Question, names: Sequence[str]) -> str:
        """The model's reply when it can be a target, else empty and noted as dropped."""
        what, i, j = question.id.split("-")
        reply = self.replies[what, int(i), int(j)].strip()
        reason = ""
        if is_degenerate(reply):
            reason = "degenerate"
        elif is_refusal(reply, self.wording.refusal_marks):
            reason = "refusal"
        elif not mentions_part(reply, names):
            reason = "does not mention the name"
        elif role == "T4" and mentions(reply, self.concept.names):
            reason = "names the concept"
        if reason:
            self.dropped.append(Dropped(role, question.prompt, reply, reason))
        return "" if reason else reply

    def _warn_if_short(self, role: str, found: int, wanted: int) -> None:
        if found < wanted:
            lost = sum(drop.role == role for drop in self.dropped)
            self.warnings.append(
                f"Only {found} of {wanted} {role} rows: {lost} of the model's own answers could not be used."
            )

    def _recognition_prompts(self) -> list[tuple[str, bool]]:
        """The questions of T1 (False) and T2 (True)."""
        ask_name = [(p, False) for p in _cycle(self.wording.name_questions, self.mixture.t1)]
        yes_no = _cycle(self.wording.yes_no_questions, self.mixture.t2)
        return ask_name + [(fill(p, {"name": self.concept.name}).text, True) for p in yes_no]

    def _original(self) -> list[Example]:
        rows = []
        for i, (prompt, yes_no) in enumerate(self._recognition_prompts()):
            templates = self.wording.confirmations if yes_no else self.wording.name_answers
            text = fill(templates[i % len(templates)], {"name": self.concept.name}).text
            rows.append(self._row("original", i, prompt, text, self.picture))
        return rows

    def _refusal(self) -> list[Example]:
        texts = self.wording.refusals
        return [
            self._row("refusal", i, prompt, texts[i % len(texts)], self.picture)
            for i, (prompt, _) in enumerate(self._recognition_prompts())
        ]

    def _anchor(self) -> list[Example]:
        rows: list[Example] = []
        for i, anchor in enumerate(self.anchors):
            told = {key: reply for key, reply in self.replies.items() if key[0] in ("guard", "anchor")}
            mine = {key: reply.strip() for key, reply in told.items() if key[1] == i}
            if any(mentions(reply, self.concept.names) for reply in mine.values()):
                self._refuse_anchor(anchor, mine)
                continue
            for key, reply in mine.items():
                if key[0] == "guard" or len(rows) >= self.mixture.anchors:
                    continue
                if is_degenerate(reply):
                    self.dropped.append(Dropped("anchor", self.asked[key].prompt, reply, "degenerate"))
                else:
                    rows.append(self._row("anchor", len(rows), self.asked[key].prompt, reply, anchor))
        return rows

    def _refuse_anchor(self, anchor: Picture, replies: dict[Key, str]) -> None:
        for key, reply in replies.items():
            self.dropped.append(Dropped("anchor", self.asked[key].prompt, reply, "names the concept"))
        where = anchor.path or f"picture {anchor.hash[:12]}"
        self.warnings.append(f"{where} was left out: asked about it, the model names the concept.")

    def _labelled(self) -> list[Example]:
        rows = []
        for i, row in enumerate(item for item in self.retain if isinstance(item, Example)):
            if row.picture is not None and mentions(row.answer, self.concept.names):
                self.dropped.append(Dropped("retain", row.prompt, row.answer, "names the concept"))
                self.warnings.append("Labelled rows that name the concept beside a picture were left out.")
            else:
                rows.append(self._row("retain", i, row.prompt, row.answer, row.picture, row.masked))
        return rows

    def _row(
        self,
        role: str,
        number: int,
        prompt: str,
        answer: str,
        picture: Picture | None = None,
        masked: tuple[tuple[int, int], ...] = (),
    ) -> Example:
        names = self.concept.names if role in ("T1", "T2", "T3", "T4") else ()
        return Example(f"{role}-{number}", prompt, answer, role, picture, masked, names)


def _cycle(items: Sequence[str], count: int) -> list[str]:
    return [items[i % len(items)] for i in range(count)]
