"""Rows about what must stay: other pictures with the model's own answers, and labelled rows of the user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from unsee.nouns import Example, Picture, Question
from unsee.training.substitutes import guessed_names
from unsee.training.texts import fill, is_degenerate, is_refusal, mentions
from unsee.training.work import Ask, Key, Work

GUESSES = 4  # substitute names that are checked with the model


def ask_guards(work: Work) -> None:
    """The name of every other picture: guards against pictures of the concept, and guesses substitutes."""
    for i, anchor in enumerate(work.anchors):
        work.put("guard", i, 0, work.wording.name_questions[0], anchor)


def ask_anchors(work: Work) -> None:
    """What is asked about other pictures."""
    ask_guards(work)
    for i, anchor in enumerate(work.anchors):
        for j, prompt in enumerate(_anchor_prompts(work, i)):
            work.put("anchor", i, j, prompt, anchor)


def ask_yes_no(work: Work) -> None:
    """Whether each other picture shows whom the model named there, and whether it shows the next one's name.

    Put after the guards are answered. Pictures without a name, or with the concept's, are left out.
    """
    named = list(_named(work))
    wanted = -(-work.mixture.yes_no_rows // 2)
    templates = work.wording.yes_no_questions
    for turn, (i, name) in enumerate(named[:wanted]):
        template = templates[turn % len(templates)]
        other = next((n for _, n in named[turn + 1 :] + named[:turn] if n != name), "")
        for j, asked in enumerate((name, other)):
            if asked:
                work.put("yes_no", i, j, fill(template, {"name": asked}).text, work.anchors[i])


def unknown_guesses(work: Work, ask: Ask) -> list[str]:
    """Names the model gave to other pictures and about which it can say nothing."""
    answers = [work.replies[key] for key, _ in work.questions("guard")]
    names = guessed_names(answers, work.wording)[:GUESSES]
    if not names:
        return []
    template = work.wording.fact_questions[0]
    prompts = [fill(template, {"name": name}).text for name in names]
    replies = ask([Question(f"guess-{i}", prompt, "open") for i, prompt in enumerate(prompts)])
    marks = work.wording.refusal_marks
    return [name for name, reply in zip(names, replies, strict=True) if is_refusal(reply, marks)]


def anchor_rows(work: Work) -> list[Example]:
    """Other pictures with the model's own answers; pictures on which it names the concept are left out."""
    rows: list[Example] = []
    for i, anchor in enumerate(work.anchors):
        told = {key: reply for key, reply in work.replies.items() if key[0] in ("guard", "anchor")}
        mine = {key: reply.strip() for key, reply in told.items() if key[1] == i}
        if any(mentions(reply, work.concept.names) for reply in mine.values()):
            _refuse_anchor(work, anchor, mine)
            continue
        for key, reply in mine.items():
            if key[0] == "guard" or len(rows) >= work.mixture.anchors:
                continue
            if is_degenerate(reply):
                work.drop("anchor", work.asked[key].prompt, reply, "degenerate")
            else:
                rows.append(work.row("anchor", len(rows), work.asked[key].prompt, reply, anchor))
    return rows


def yes_no_rows(work: Work) -> list[Example]:
    """Yes/no questions about other pictures with the model's own answers: half by right, half by wrong names.

    The forget rows of ascent hold "yes" to such questions; without these no retain row says "yes" of anybody.
    """
    rows: list[Example] = []
    for key, question in work.questions("yes_no")[: work.mixture.yes_no_rows]:
        reply = work.replies[key].strip()
        if is_degenerate(reply) or mentions(reply, work.concept.names):
            work.drop("yes_no", question.prompt, reply, "degenerate or names the concept")
        else:
            rows.append(work.row("yes_no", len(rows), question.prompt, reply, question.picture))
    return rows


def labelled_rows(work: Work) -> list[Example]:
    """The user's rows as they are, but for those that name the concept beside a picture."""
    rows = []
    for i, row in enumerate(item for item in work.retain if isinstance(item, Example)):
        if row.picture is not None and mentions(row.answer, work.concept.names):
            work.drop("retain", row.prompt, row.answer, "names the concept")
            work.warnings.append("Labelled rows that name the concept beside a picture were left out.")
        else:
            rows.append(work.row("retain", i, row.prompt, row.answer, row.picture, row.masked))
    return rows


def _named(work: Work) -> Iterator[tuple[int, str]]:
    """(number, name) of the other pictures in which the model names somebody who is not the concept."""
    for key, _ in work.questions("guard"):
        reply = work.replies[key]
        names = [] if mentions(reply, work.concept.names) else guessed_names([reply], work.wording)
        if names:
            yield key[1], names[0]


def _anchor_prompts(work: Work, picture: int) -> list[str]:
    first, *rest = work.wording.anchor_questions
    count = min(work.mixture.anchors_per_picture - 1, len(rest))
    return [first, *(rest[(picture * count + j) % len(rest)] for j in range(count))]


def _refuse_anchor(work: Work, anchor: Picture, replies: Mapping[Key, str]) -> None:
    for key, reply in replies.items():
        work.drop("anchor", work.asked[key].prompt, reply, "names the concept")
    where = anchor.path or f"picture {anchor.hash[:12]}"
    work.warnings.append(f"{where} was left out: asked about it, the model names the concept.")
