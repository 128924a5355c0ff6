"""One model answers a portion of questions: records, and the log-probabilities that figures need.

A picture is encoded once per model: :func:`portions` never divides a picture, and :class:`Features` keeps it
from one portion to the next that shows it. Such a picture is encoded by itself: rounding depends on what is
computed together, and must not depend on which portions were asked before, or by another process.

Figures in ``Record.scores``: ``mean_logprob`` of the reply, ``truncated`` 1 where it was cut, and
``reply_logprob`` (mean log p of the reply under the frozen target) for the split open. Lists per question:

============  ===========================  ===============================================================
list          of                           log p (nats) of, where nothing else is said
============  ===========================  ===============================================================
name          name questions               the name's tokens in one fixed answer (C-Dis)
fixed         name questions               the tokens of the target's reply (Fluency of the paper) ...
fixed_name    name questions               ... and 1 where the token belongs to the name
item          member, non_member           the tokens of the true sentence ...
item_mean     member, non_member           ... the mean of log p at each position ...
item_var      member, non_member           ... its variance (Min-K%++) ...
item_best     member, non_member           ... 1 where no token is likelier than the sentence's ...
item_renyi_A  member, non_member           ... and the Renyi entropy of order A (MaxRenyi-K%; order 1 is minus
                                           the mean)
picture_A     one query of each picture    the Renyi entropy of order A at each position of the picture
prompt        name questions, queries      the tokens of the question (Fluency as released; suspicion)
prompt_raw    queries                      the same read one position late (suspicion as released)
watch_I       name questions               the first token of the I-th word of the names at every position of
                                           the prompt (C-Dis as released)
============  ===========================  ===============================================================
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from unsee.answering import answer, score
from unsee.answering.picture_entropies import picture_entropies
from unsee.answering.prompts import read_prompts
from unsee.answering.score import TokenScores
from unsee.metrics.distance import name_positions, name_spans
from unsee.models.load import VLM
from unsee.nouns import Concept, Picture, Question, Record, Reply
from unsee.objectives.renyi import ORDERS
from unsee.packs.cost import Cost
from unsee.packs.features import FeatureStore
from unsee.suites.concept.wordings import english
from unsee.suites.mmubench.data import EFFICACY, GENERALITY, MEMBER, NON_MEMBER
from unsee.suites.mmubench.sheet import OPEN
from unsee.suites.records import record, reply_figures, speakable

GATE_SPLITS = (GENERALITY, EFFICACY)
QUERIES = (MEMBER, NON_MEMBER)
TEXT_ORDERS = tuple(order for order in ORDERS if order != 1)  # order 1 is minus the mean of log p
DIGITS = 6  # of a stored log-probability
Lists = dict[str, tuple[float, ...]]
Pair = tuple[str, str, Picture | None]


class Line(NamedTuple):
    """A record, and its lists (module text)."""

    record: Record
    lists: Lists


class Opened:
    """Features, under the frozen target, of the pictures about which it reads the replies of all models.

    Args:
        questions: Everything that is asked; the split open counts.
    """

    def __init__(self, questions: Iterable[Question] = ()) -> None:
        self.pictures = {q.picture.hash: q.picture for q in questions if q.split == OPEN and q.picture}
        self._store: FeatureStore | None = None

    def store(self, target: VLM) -> FeatureStore:
        """Where they are, or will be; the same whichever copy of the target is given."""
        self._store = self._store or FeatureStore(target)
        return self._store

    def ready(self, target: VLM, pictures: Iterable[Picture], cost: Cost | None) -> FeatureStore:
        """With the features of these; those that are missing are encoded one by one."""
        store = self.store(target)
        _one_by_one(store, target, pictures, cost)
        return store


@dataclass(frozen=True)
class Asking:
    """How one model is asked.

    Attributes:
        vlm: The model.
        label: What records call it: target, blind, unlearned, gold ...
        concept: Whose name C-Dis looks for; None for the pool, which is about nobody.
        reference: The frozen target, which reads the replies of the split open; None = ``vlm`` with its
            adapter off.
        opened: Where features of the pictures that it reads about are kept; None = only for one portion.
        replies: The target's replies by question id; empty while the target itself is asked.
        max_new_tokens: Longest reply.
        batch: Questions answered at once.
        lists: Whether the lists are made; a model that is asked blind has none.
    """

    vlm: VLM
    label: str
    concept: Concept | None = None
    reference: VLM | None = None
    replies: Mapping[str, str] = field(default_factory=dict)
    max_new_tokens: int = 48
    batch: int = 32
    lists: bool = True
    opened: Opened | None = None

    @property
    def blind(self) -> bool:
        """Whether pictures are left out."""
        return self.label == "blind"


def portions(questions: Sequence[Question], size: int) -> Iterator[list[Question]]:
    """The questions, those by which the gate decides first, whole pictures together, about ``size`` each."""
    groups: dict[str, list[Question]] = {}
    for question in sorted(questions, key=lambda q: q.split not in GATE_SPLITS):
        groups.setdefault("" if question.picture is None else question.picture.hash, []).append(question)
    part: list[Question] = []
    for group in groups.values():
        if part and len(part) + len(group) > size:
            yield part
            part = []
        part = [*part, *group]
    if part:
        yield part


class Features:
    """Features of pictures of one model from portion to portion, as long as a later portion shows them.

    Args:
        vlm: The model.
        planned: Every portion that will be asked or passed over.
        most: Pictures kept at most; beyond it those of the portion at hand are not kept.
        opened: Of the target: what stays when all is asked, since it reads the replies of later models.
    """

    def __init__(
        self,
        vlm: VLM,
        planned: Iterable[Sequence[Question]] = (),
        most: int = 512,
        opened: Opened | None = None,
    ) -> None:
        self.store = FeatureStore(vlm) if opened is None else opened.store(vlm)
        self._most, self._stay = most, frozenset(opened.pictures if opened is not None else ())
        self._uses = Counter(key for portion in planned for key in _shown(portion))
        self._again = self._stay | {key for key, count in self._uses.items() if count > 1}

    def ready(self, vlm: VLM, portion: Sequence[Question], cost: Cost | None) -> FeatureStore:
        """With the features of those pictures of a portion that are not its own alone."""
        pictures = [picture for key, picture in _shown(portion).items() if key in self._again]
        _one_by_one(self.store, vlm, pictures, cost)
        return self.store

    def done(self, portion: Sequence[Question]) -> None:
        """A portion is over: what no later one shows is freed."""
        for key, picture in _shown(portion).items():
            self._uses[key] -= 1
            if key not in self._stay and (self._uses[key] <= 0 or len(self.store) > self._most):
                self.store.drop(picture)


def _one_by_one(store: FeatureStore, vlm: VLM, pictures: Iterable[Picture], cost: Cost | None) -> None:
    if store.usable:
        for picture in pictures:
            store.features(vlm, [picture], cost=cost)


def _shown(portion: Sequence[Question]) -> dict[str, Picture]:
    return {q.picture.hash: q.picture for q in portion if q.picture is not None}


def ask(
    asking: Asking, questions: Sequence[Question], cost: Cost | None = None, features: Features | None = None
) -> list[Line]:
    """The lines of one portion, in the order of the questions.

    Args:
        asking: How the model is asked.
        questions: The portion.
        cost: Counters to add to.
        features: Where features of pictures are kept between portions; None = only for this one.
    """
    shown = [replace(q, picture=None) for q in questions] if asking.blind else list(questions)
    store = (features or Features(asking.vlm)).ready(asking.vlm, shown, cost)
    replies = _replies(asking, shown, store, cost)
    extra: dict[str, dict[str, float]] = {}
    lists: dict[str, Lists] = {}
    if asking.lists and not asking.blind:
        extra = _readable(asking, shown, replies, store, cost)
        lists = _given(asking, shown, replies, store, cost)
        for question, found in _pictures(asking, shown, store, cost):
            lists.setdefault(question, {}).update(found)
        for question, found in _prompts(asking, shown, store, cost):
            lists.setdefault(question, {}).update(found)
    return [
        Line(_record(asking.label, q, replies[q.id], extra.get(q.id, {})), _rounded(lists.get(q.id, {})))
        for q in questions
    ]


def _replies(
    asking: Asking, questions: Sequence[Question], store: FeatureStore, cost: Cost | None
) -> dict[str, Reply]:
    """Replies by question id; the same question about the same picture is put once."""
    keys = {q.id: (q.prompt, "" if q.picture is None else q.picture.hash) for q in questions}
    first = {keys[q.id]: q for q in reversed(questions)}
    said = answer(
        asking.vlm,
        list(first.values()),
        max_new_tokens=asking.max_new_tokens,
        batch_size=asking.batch,
        features=store,
        cost=cost,
    )
    by_key = dict(zip(first, said, strict=True))
    return {q.id: by_key[keys[q.id]] for q in questions}


def _record(label: str, question: Question, reply: Reply, extra: Mapping[str, float]) -> Record:
    return record(label, question, reply.text, {**reply_figures(reply), **extra})


def _readable(
    asking: Asking,
    questions: Sequence[Question],
    replies: Mapping[str, Reply],
    store: FeatureStore,
    cost: Cost | None,
) -> dict[str, dict[str, float]]:
    """Mean log p of each open reply under the frozen target; empty replies have none."""
    vlm = asking.vlm
    spoken = {q.id: speakable(vlm, replies[q.id].text) for q in questions if q.split == OPEN}
    heard = [q for q in questions if spoken.get(q.id)]
    pairs = [(q.prompt, spoken[q.id], q.picture) for q in heard]
    if not pairs:
        return {}
    opened, pictures = asking.opened or Opened(), _shown(heard).values()
    if asking.reference is not None:
        store = opened.ready(asking.reference, pictures, cost)
        scored = score(asking.reference, pairs, features=store, cost=cost)
    elif vlm.scope is None and vlm.hook is None:
        scored = score(vlm, pairs, features=store, cost=cost)
    else:
        with vlm.adapter_off():
            scored = score(vlm, pairs, features=opened.ready(vlm, pictures, cost), cost=cost)
    return {q.id: {"reply_logprob": found.mean} for q, found in zip(heard, scored, strict=True)}


def _given(
    asking: Asking,
    questions: Sequence[Question],
    replies: Mapping[str, Reply],
    store: FeatureStore,
    cost: Cost | None,
) -> dict[str, Lists]:
    """What is read off answers that are given as input, all in one pass."""
    wanted: list[tuple[Question, str, str]] = []
    for question in questions:
        if _asks_name(asking, question):
            assert asking.concept is not None
            target = asking.replies.get(question.id, replies[question.id].text)
            wanted.append((question, "name", fixed_answer(asking.concept, question)))
            wanted.append((question, "fixed", speakable(asking.vlm, target)))
        elif question.split in QUERIES:
            wanted.append((question, "item", question.answer))
    wanted = [(q, what, text) for q, what, text in wanted if text]
    pairs = [(q.prompt, text, q.picture) for q, _, text in wanted]
    orders = TEXT_ORDERS if any(what == "item" for _, what, _ in wanted) else ()
    scored = (
        score(asking.vlm, pairs, statistics=True, orders=orders, features=store, cost=cost) if pairs else []
    )
    found: dict[str, Lists] = {}
    for (question, what, text), scores in zip(wanted, scored, strict=True):
        lists = _lists_of(asking, question, what, text, scores)
        found.setdefault(question.id, {}).update(lists)
    return found


def _lists_of(asking: Asking, question: Question, what: str, text: str, scores: TokenScores) -> Lists:
    if what == "item":
        kept = [i for i, is_text in enumerate(scores.text) if is_text]
        columns = {"item": scores.logprobs, "item_mean": scores.means, "item_var": scores.variances}
        columns["item_best"] = tuple(map(float, scores.best))
        columns |= {f"item_renyi_{order:g}": line for order, line in scores.entropies.items()}
        return {name: tuple(column[i] for i in kept) for name, column in columns.items()}
    assert asking.concept is not None
    offsets = asking.vlm.chat.encode(question.prompt, text, question.picture).offsets
    places = set(name_positions(text, offsets, asking.concept.names))
    if what == "name":
        return {"name": tuple(scores.logprobs[i] for i in sorted(places))}
    marks = tuple(float(i in places) for i in range(len(scores.logprobs)))
    return {"fixed": scores.logprobs, "fixed_name": marks}


def _pictures(
    asking: Asking, questions: Sequence[Question], store: FeatureStore, cost: Cost | None
) -> Iterator[tuple[str, Lists]]:
    """The pictures of the queries, each with the first of its queries."""
    shown = {q.picture.hash: (q, q.picture) for q in reversed(questions) if q.split in QUERIES and q.picture}
    pairs = [(question.prompt, picture) for question, picture in shown.values()]
    read = picture_entropies(asking.vlm, pairs, features=store, cost=cost)
    for (question, _), found in zip(shown.values(), read, strict=True):
        yield question.id, {f"picture_{order:g}": line for order, line in found.items()}


def _prompts(
    asking: Asking, questions: Sequence[Question], store: FeatureStore, cost: Cost | None
) -> Iterator[tuple[str, Lists]]:
    """What the released readings look at: the question itself, read as text."""
    named = [q for q in questions if _asks_name(asking, q)]
    queries = [q for q in questions if q.split in QUERIES]
    watched = _watched(asking)
    for asked, words in ((named, watched), (queries, ())):
        pairs = [(q.prompt, q.picture) for q in asked]
        read = read_prompts(asking.vlm, pairs, watched=words, features=store, cost=cost) if pairs else []
        for question, found in zip(asked, read, strict=True):
            lists: Lists = {"prompt": found.logprobs}
            if question.split in QUERIES:
                lists["prompt_raw"] = found.late
            lists |= {f"watch_{i}": line for i, line in enumerate(found.watched)}
            yield question.id, lists


def _watched(asking: Asking) -> tuple[int, ...]:
    """The first token of each word of the concept's name, after a space, as the released list has them."""
    if asking.concept is None:
        return ()
    encode = asking.vlm.tokenizer.encode
    firsts = [encode(f" {word}", add_special_tokens=False)[:1] for word in asking.concept.name.split()]
    return tuple(dict.fromkeys(ids[0] for ids in firsts if ids))


def _asks_name(asking: Asking, question: Question) -> bool:
    return asking.concept is not None and question.split == GENERALITY and question.kind == "name"


def fixed_answer(concept: Concept, question: Question) -> str:
    """The answer in which C-Dis reads the name: the question's own if it holds a name, else a plain one."""
    if name_spans(question.answer, concept.names):
        return question.answer
    return english(concept.kind).name_answer.format(name=concept.name)


def _rounded(lists: Lists) -> Lists:
    return {name: tuple(round(value, DIGITS) for value in line) for name, line in lists.items()}
