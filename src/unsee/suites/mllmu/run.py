"""Asking one model the questions of a protocol; each picture goes through the vision tower once.

Official protocols generate and parse. ``corrected`` scores the options of a choice question and never
generates them: the letters under all cyclic orders of the options, and the option texts without a list.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from unsee.answering import TokenScores, answer, answer_rows, next_tokens, score
from unsee.metrics.likelihood import truth_ratio
from unsee.models.load import VLM
from unsee.models.processes import divided
from unsee.nouns import Picture, Question, Record, Reply
from unsee.packs.cost import Cost
from unsee.packs.features import FeatureStore
from unsee.packs.rows import raw_row
from unsee.suites.mllmu import parse
from unsee.suites.mllmu.asks import KINDS, Ask
from unsee.suites.mllmu.context import check_context
from unsee.suites.mllmu.presets import Preset
from unsee.suites.mllmu.prompts import corrected_choice
from unsee.suites.mllmu.reading import status
from unsee.suites.records import record, reply_figures

PORTION = 128
DROPPED = (
    2  # tokens of the prompt that the releases leave out before they decode: the first one, and one more
)
Pair = tuple[str, str, Picture | None]


def portions(asks: Sequence[Ask], size: int = PORTION) -> Iterator[list[Ask]]:
    """The questions in groups of about ``size``: all about one picture together, those without by person.

    The make-up depends on the questions only: a portion that was cut short is computed again as it was.
    """
    groups: dict[str, list[Ask]] = {}
    for ask in asks:
        groups.setdefault(ask.person if ask.picture is None else ask.picture.hash, []).append(ask)
    portion: list[Ask] = []
    for group in groups.values():
        if portion and len(portion) + len(group) > size:
            yield portion
            portion = []
        portion = [*portion, *group]
    if portion:
        yield portion


def ask_all(
    vlm: VLM,
    preset: Preset,
    asks: Sequence[Ask],
    label: str,
    *,
    done: Collection[str] = (),
    on_records: Callable[[list[Record]], None] | None = None,
    batch_size: int = 32,
    size: int = PORTION,
    cost: Cost | None = None,
) -> list[Record]:
    """Records of one model for the questions that are not done yet, portion by portion.

    Several processes take turns with the portions; each gets the records of all.

    Args:
        vlm: The model.
        preset: The protocol.
        asks: Its questions, as asked or under a control condition.
        label: What the records call the model.
        done: Ids that are answered already; a portion with any other is computed whole.
        on_records: Called with the new records of each portion.
        batch_size: Questions decoded together.
        size: Questions per portion.
        cost: Counters to add to.

    Raises:
        UserError: Examples that do not fit the context.
    """
    check_context(vlm.chat, asks)
    store = FeatureStore(vlm)
    often = _of_examples(asks)
    if often and store.usable:  # alone and first, so that their features do not depend on where a run resumes
        store.features(vlm, often, cost=cost)
    kept = {picture.hash for picture in often}
    todo = [portion for portion in portions(asks, size) if any(a.id not in done for a in portion)]

    def put(portion: Sequence[Ask]) -> list[Record]:
        found = _ask(vlm, preset, portion, label, store, batch_size, cost)
        for picture in {p.hash: p for a in portion for p in a.pictures if p.hash not in kept}.values():
            store.drop(picture)
        return [record for record in found if record.question not in done]

    records: list[Record] = []
    for new in divided(todo, put):
        records += new
        if on_records is not None:
            on_records(new)
    return records


def _of_examples(asks: Sequence[Ask]) -> list[Picture]:
    return list({p.hash: p for a in asks for p in a.pictures[:-1]}.values())


def _ask(
    vlm: VLM,
    preset: Preset,
    asks: Sequence[Ask],
    label: str,
    store: FeatureStore,
    batch_size: int,
    cost: Cost | None,
) -> list[Record]:
    scored = [a for a in asks if a.task == "choice" and preset.parser == "likelihood"]
    said = _choices(vlm, preset, scored, store, cost)
    spoken = [a for a in asks if a.id not in said]
    said |= _spoken(vlm, preset, spoken, store, batch_size, cost)
    if preset.parser == "likelihood":
        told = [a for a in spoken if a.truth.strip()]
        pairs = [(a.prompt, a.truth, a.picture) for a in told]
        for ask, truth in zip(told, _score(vlm, pairs, store, cost), strict=True):
            said[ask.id][1]["truth_logprob"] = truth
    return [_record(preset, a, label, *said[a.id]) for a in asks]


def _record(preset: Preset, ask: Ask, label: str, reply: str, scores: Mapping[str, float]) -> Record:
    found = status(preset, ask, reply)
    return record(label, ask.plain, reply, scores, status=found, modality=ask.modality)


_Said = dict[str, tuple[str, dict[str, float]]]


def _spoken(
    vlm: VLM, preset: Preset, asks: Sequence[Ask], store: FeatureStore, batch_size: int, cost: Cost | None
) -> _Said:
    """Generated replies by question id, read out of the decoded text as the protocol does."""
    said: _Said = {}
    for length, raw in sorted(Counter((a.max_new_tokens, a.raw) for a in asks)):
        group = [a for a in asks if (a.max_new_tokens, a.raw) == (length, raw)]
        if raw:
            rows = [raw_row(vlm, a.prompt, a.pictures, example=a.id) for a in group]
            replies = answer_rows(
                vlm, rows, max_new_tokens=length, batch_size=batch_size, features=store, cost=cost
            )
            texts = [_decoded(vlm, preset, r.ids, reply) for r, reply in zip(rows, replies, strict=True)]
        else:
            questions = [Question(a.id, a.prompt, KINDS[a.task], a.picture) for a in group]
            replies = answer(
                vlm, questions, max_new_tokens=length, batch_size=batch_size, features=store, cost=cost
            )
            texts = [reply.text for reply in replies]
        for ask, reply, text in zip(group, replies, texts, strict=True):
            said[ask.id] = (text, reply_figures(reply))
    return said


def _decoded(vlm: VLM, preset: Preset, prompt: Sequence[int], reply: Reply) -> str:
    """The text that the release calls the reply."""
    if not preset.whole_decoded:
        return str(vlm.tokenizer.decode(reply.tokens, skip_special_tokens=True))
    whole = [*prompt[DROPPED:], *reply.tokens]
    return parse.official_response(vlm.tokenizer.decode(whole, skip_special_tokens=True))


def _score(vlm: VLM, pairs: Sequence[Pair], store: FeatureStore, cost: Cost | None) -> list[float]:
    """Mean log-probability (nats) of the tokens of each answer, without its end of turn."""
    return [_mean(found) for found in score(vlm, pairs, features=store, cost=cost)]


def _total(found: TokenScores) -> float:
    return math.fsum(value for value, text in zip(found.logprobs, found.text, strict=True) if text)


def _mean(found: TokenScores) -> float:
    return _total(found) / sum(found.text)


def _choices(vlm: VLM, preset: Preset, asks: Sequence[Ask], store: FeatureStore, cost: Cost | None) -> _Said:
    """The option each question chooses, by letters under all cyclic orders and by the option texts.

    A protocol without letters has the option texts alone.
    """
    told = [(a.question, text, a.picture) for a in asks for text in a.options.values()]
    values = iter(_score(vlm, told, store, cost))
    turns = _letters(vlm, asks, store, cost) if preset.letters else {}
    said: _Said = {}
    for ask in asks:
        letters = list(ask.options)
        right = letters.index(ask.truth)
        scores = _read_texts([next(values) for _ in letters], right)
        if preset.letters:
            scores = _read_letters(turns[ask.id], right) | scores
        letter = letters[int(scores["option" if preset.letters else "text_option"])]
        said[ask.id] = (f"{letter}: {ask.options[letter]}", scores)
    return said


def _letters(
    vlm: VLM, asks: Sequence[Ask], store: FeatureStore, cost: Cost | None
) -> dict[str, list[list[float]]]:
    """By question, per cyclic order of its options, log p of each letter."""
    found: dict[str, list[list[float]]] = {}
    for letters in dict.fromkeys(tuple(a.options) for a in asks):
        group = [a for a in asks if tuple(a.options) == letters]
        prompts = [
            (corrected_choice(a.question, order).lstrip("\n"), a.picture)
            for a in group
            for order in parse.cyclic_orders(a.options)
        ]
        lines = next_tokens(vlm, prompts, letters, features=store, cost=cost)
        if lines is None:
            pairs = [(prompt, letter, picture) for prompt, picture in prompts for letter in letters]
            flat = [_total(one) for one in score(vlm, pairs, features=store, cost=cost)]
            lines = [flat[i : i + len(letters)] for i in range(0, len(flat), len(letters))]
        rows = iter(lines)
        found |= {a.id: [next(rows) for _ in letters] for a in group}
    return found


def _read_letters(
    turns: Sequence[Sequence[float]],  # per cyclic order, log p of each letter
    right: int,
) -> dict[str, float]:
    """The figures of a choice question by its letters.

    ``option`` is the option with the largest mean over the orders of log p(its letter), normalised over the
    letters; ``turn0_option`` the one of the given order alone; ``placed_i`` the share of orders in which the
    letter at place i was the likeliest; ``margin`` is to the best wrong option.
    """
    count = len(turns)
    normal = [[value - _logsumexp(turn) for value in turn] for turn in turns]
    # In turn t the option o stands at place o - t.
    mean = [math.fsum(normal[t][(o - t) % count] for t in range(count)) / count for o in range(count)]
    tops = [_top(turn) for turn in turns]
    return {
        "option": float(_top(mean)),
        "margin": _margin(mean, right),
        "turn0_option": float(tops[0]),
        "turns_right": sum((top + t) % count == right for t, top in enumerate(tops)) / count,
        **{f"placed_{i}": tops.count(i) / count for i in range(count)},
    }


def _read_texts(
    texts: Sequence[float],  # mean log p of each option's text
    right: int,
) -> dict[str, float]:
    """The figures of a choice question by its option texts.

    ``text_option`` is the likeliest one, ``text_margin`` its margin over the texts to the best wrong one,
    ``truth_ratio`` the probability of the wrong texts over that of the right one.
    """
    share = [value - _logsumexp(texts) for value in texts]
    found = {"text_option": float(_top(texts)), "text_margin": _margin(share, right)}
    ratio = truth_ratio([texts[right]], [[value] for i, value in enumerate(texts) if i != right])
    return found if ratio is None else {**found, "truth_ratio": ratio}


def _top(values: Sequence[float]) -> int:
    return values.index(max(values))


def _margin(values: Sequence[float], right: int) -> float:
    wrong = [value for i, value in enumerate(values) if i != right]
    return values[right] - max(wrong) if wrong else 0.0


def _logsumexp(values: Sequence[float]) -> float:
    top = max(values)
    return top + math.log(math.fsum(math.exp(value - top) for value in values))
