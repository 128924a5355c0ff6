"""The forget questions with other answers or about other pictures, and the looks of the concept's picture."""

import pytest

from tests.tiny import build, picture
from tests.training.test_examples import JANE, ONE, Model, make
from unsee.nouns import CONCEPT_KINDS, Concept, Example, Reply
from unsee.training import examples as room
from unsee.training.examples import EXTRA_ROLES, ROLES, Mixture, build_examples
from unsee.training.names import name_ids
from unsee.training.texts import mentions
from unsee.training.wording import english

OTHERS = [picture(i) for i in range(2, 6)]
PROMPTS = 8


class Sampler:
    """Draws the given replies in turn and remembers what was asked and ruled out."""

    def __init__(self, *replies):
        self.replies, self.asked = replies, []

    def __call__(self, questions, without):
        self.asked += [(question, tuple(without)) for question in questions]
        texts = [self.replies[i % len(self.replies)] for i in range(len(questions))]
        return [text if isinstance(text, Reply) else Reply(text) for text in texts]


def originals(**arguments):
    return make(roles=("original",), **arguments).examples


def numbers(rows):
    return [row.id.rpartition("-")[2] for row in rows]


def test_the_new_roles_are_made_only_when_asked_for():
    assert not set(EXTRA_ROLES) & set(ROLES)
    made = make(retain=OTHERS)
    assert made.of(EXTRA_ROLES) == []


# --- alternative ---------------------------------------------------------------------------------------


def test_alternatives_are_paired_with_the_originals():
    sampler = Sampler("This is Bo.", "An old friend.", "It is Cy.", "A man.", "A woman.")
    made = make(roles=("original", "alternative"), sample=sampler)
    original, other = made.of(["original"]), made.of(["alternative"])
    assert [row.id for row in other] == [f"alternative-{i}" for i in range(PROMPTS)]
    assert [(row.prompt, row.picture) for row in other] == [(row.prompt, row.picture) for row in original]
    assert {row.answer for row in other} == {"This is Bo."}
    assert made.warnings == ()


def test_five_are_drawn_per_question_and_yes_is_ruled_out_where_it_would_be_the_truth():
    sampler = Sampler("This is Bo.")
    make(roles=("alternative",), sample=sampler)
    asked = {question.id: (question.prompt, question.picture, out) for question, out in sampler.asked}
    assert len(asked) == 5 * PROMPTS
    rows = originals()
    for i, row in enumerate(rows):
        out = ("Yes",) if row.answer.startswith("Yes") else ()
        assert {asked[f"alternative-{i}-{j}"] for j in range(5)} == {(row.prompt, ONE, out)}


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("", "degenerate"),
        ("That is Jane Roe.", "names the concept"),
        ("Her name is Roe.", "names the concept in part"),
        ("jr, I think.", "names the concept"),
        (Reply("A friend whom", truncated=True), "does not end"),
    ],
)
def test_answers_that_tell_are_dropped(reply, reason):
    made = make(roles=("alternative",), sample=Sampler(reply, reply, "A friend.", reply, reply))
    assert {row.answer for row in made.examples} == {"A friend."}
    assert {drop.reason for drop in made.dropped} == {reason}
    assert made.warnings == ()


def test_yes_is_no_alternative_to_yes():
    made = make(roles=("alternative",), sample=Sampler("Yes, it is.", "No, it is Bo."))
    answers = [row.answer for row in made.examples]
    assert set(answers[:4]) == {"Yes, it is.", "No, it is Bo."}
    assert set(answers[4:]) == {"No, it is Bo."}
    assert {drop.reason for drop in made.dropped} == {"says yes"}


def test_the_likeliest_comes_first():
    replies = [Reply("It is Bo.", mean_logprob=-2.0), Reply("It is Cy.", mean_logprob=-0.5)]
    made = make(roles=("alternative",), sample=Sampler(*replies))
    assert {row.answer for row in made.examples} == {"It is Cy."}


def test_a_name_is_not_told_in_pieces_either():
    concept = Concept("Silatu")
    made = make(
        concept, roles=("alternative",), sample=Sampler("This isilatu.", "It is Silat.", "It is Latu.")
    )
    assert {row.answer for row in made.examples} == {"It is Latu."}
    assert {drop.reason for drop in made.dropped} == {"names the concept in part"}


def test_refusals_are_second_choice():
    first = make(roles=("alternative",), sample=Sampler("I do not know.", "It is Bo."))
    assert {row.answer for row in first.examples} == {"It is Bo."}
    only = make(roles=("alternative",), sample=Sampler("I do not know."))
    assert {row.answer for row in only.examples} == {"I do not know."}


def test_several_alternatives_end_with_the_same_number():
    mixture = Mixture(alternatives=3)
    made = make(roles=("alternative",), mixture=mixture, sample=Sampler("It is Bo.", "It is Cy."))
    assert len({row.id for row in made.examples}) == len(made.examples) == 2 * PROMPTS
    for i, row in enumerate(originals()):
        mine = [other for other in made.examples if numbers([other]) == [str(i)]]
        assert {other.prompt for other in mine} == {row.prompt}
        assert {other.answer for other in mine} == {"It is Bo.", "It is Cy."}


def test_a_substitute_stands_in_with_a_warning():
    made = make(roles=("T1", "alternative"), sample=Sampler("Jane Roe"))
    assert all(mentions(row.answer, [made.substitute]) for row in made.of(["alternative"]))
    assert any(text.startswith("8 of 8 forget questions have a substitute") for text in made.warnings)
    given = make(roles=("alternative",), sample=Sampler(""), substitute_name="Bo Lund")
    assert all(mentions(row.answer, ["Bo Lund"]) for row in given.examples)
    assert given.substitute == ""


def test_the_substitute_respects_the_mode():
    refused = make(roles=("alternative",), sample=Sampler(""), substitute="refusal")
    assert {row.answer for row in refused.examples} <= set(english("person").refusals)
    generic = make(roles=("alternative",), sample=Sampler(""), substitute="generic")
    assert all("a person" in row.answer for row in generic.examples)


def test_a_model_writes_its_own_alternatives_without_the_name(monkeypatch):
    monkeypatch.setattr(room, "LONGEST_SAMPLE", 10)
    vlm, seen = build("llava"), []
    vlm.chat._ends = (*vlm.chat.end_ids, *range(100, 200))
    drawn = room.answer

    def spy(*arguments, **options):
        replies = drawn(*arguments, **options)
        seen.append((options["sampling"], replies))
        return replies

    monkeypatch.setattr(room, "answer", spy)
    first = build_examples(vlm, JANE, ONE, roles=("alternative",))
    again = build_examples(vlm, JANE, ONE, roles=("alternative",))
    other = build_examples(vlm, JANE, ONE, roles=("alternative",), seed=1)
    assert first.examples == again.examples
    assert first.examples != other.examples
    assert len(first.examples) == PROMPTS
    names, yes = (name_ids(vlm.tokenizer, words).ids for words in (JANE.names, ["Yes"]))
    assert [sampling.banned for sampling, _ in seen[:2]] == [names, names | yes]
    for sampling, replies in seen:
        assert not {token for reply in replies for token in reply.tokens} & sampling.banned
        assert sampling.temperature == 1.0


# --- mismatch ------------------------------------------------------------------------------------------


def mismatch(**arguments):
    return make(roles=("mismatch",), **arguments)


def test_forget_questions_get_answers_of_others():
    made = mismatch()
    assert [(row.prompt, row.picture) for row in made.examples] == [(r.prompt, ONE) for r in originals()]
    assert [row.id for row in made.examples] == [f"mismatch-{i}" for i in range(PROMPTS)]
    assert len({row.answer for row in made.examples}) > 2
    assert not any(mentions(row.answer, JANE.names) for row in made.examples)
    assert all(row.answer.endswith("is known for much.") for row in made.examples)
    assert made.warnings == ()


def test_answers_about_other_pictures_and_of_labelled_rows_take_part():
    rows = [
        Example("x", "Capital of France?", "Paris.", "any"),
        Example("y", "Who is she?", "Jane Roe.", "any"),
    ]
    model = Model(anchor="A wall.")
    made = [mismatch(model=model, retain=[*OTHERS, *rows], seed=seed) for seed in range(8)]
    answers = {row.answer for one in made for row in one.examples}
    assert {"A wall.", "Paris."} <= answers
    assert "Jane Roe." not in answers


def test_five_per_question_differ_and_end_with_its_number():
    made = mismatch(mixture=Mixture(mismatches=5))
    assert len({row.id for row in made.examples}) == len(made.examples) == 5 * PROMPTS
    for i in range(PROMPTS):
        mine = [row for row in made.examples if numbers([row]) == [str(i)]]
        assert len({row.answer for row in mine}) == 5
        assert len({row.prompt for row in mine}) == 1


def test_mismatches_do_not_change_the_other_rows():
    alone = make(retain=OTHERS)
    beside = make(retain=OTHERS, roles=(*ROLES, "mismatch", "decoupled", "looks"))
    assert beside.of(ROLES) == list(alone.examples)


def test_without_usable_answers_there_are_none():
    made = mismatch(model=Model(text="I do not know {name}."))
    assert made.examples == ()
    assert any(text.startswith("Only 0 of 1 mismatch rows") for text in made.warnings)


# --- decoupled -----------------------------------------------------------------------------------------


def decoupled(**arguments):
    return make(roles=("decoupled",), **arguments)


def test_the_forget_questions_are_put_to_other_pictures():
    made = decoupled(model=Model(anchor="No, I see a wall."), retain=OTHERS)
    assert [row.prompt for row in made.examples] == [row.prompt for row in originals()]
    assert [row.id for row in made.examples] == [f"decoupled-{i}" for i in range(PROMPTS)]
    assert {row.answer for row in made.examples} == {"No, I see a wall."}
    shown = [row.picture.hash for row in made.examples]
    assert sorted(shown) == sorted([p.hash for p in OTHERS] * 2)
    assert ONE.hash not in shown


def test_more_of_them_never_repeat_a_question_about_a_picture():
    mixture = Mixture(decoupled=30)
    made = decoupled(model=Model(anchor="No."), retain=OTHERS[:3], mixture=mixture)
    pairs = {(row.prompt, row.picture.hash) for row in made.examples}
    assert len(pairs) == len(made.examples) == PROMPTS * 3
    few = decoupled(model=Model(anchor="No."), retain=OTHERS, mixture=Mixture(decoupled=3))
    assert len(few.examples) == 3


def test_a_denial_may_say_the_name_but_yes_is_left_out():
    class Knows(Model):
        def reply(self, question):
            yes_no = mentions(question.prompt, JANE.names)
            return self.rules["yes_no"] if yes_no else "I do not know."

    denied = decoupled(model=Knows(yes_no="No, this is not Jane Roe."), retain=OTHERS)
    assert [row.answer for row in denied.examples][-4:] == ["No, this is not Jane Roe."] * 4
    assert [row.answer for row in denied.examples][:4] == ["I do not know."] * 4
    said = decoupled(model=Knows(yes_no="yes."), retain=OTHERS)
    assert len(said.examples) == 4
    assert {drop.reason for drop in said.dropped} == {"says yes"}
    assert any(text.startswith("Only 4 of 8 decoupled rows") for text in said.warnings)


def test_pictures_on_which_the_model_names_the_concept_are_left_out():
    class Sees(Model):
        def reply(self, question):
            first = question.prompt == english("person").name_questions[0]
            return "This is Jane Roe." if first and question.picture.hash == OTHERS[0].hash else "No."

    made = decoupled(model=Sees(), retain=OTHERS)
    assert OTHERS[0].hash not in {row.picture.hash for row in made.examples}
    assert len(made.examples) == 6


def test_without_other_pictures_there_are_none():
    made = decoupled()
    assert made.examples == ()
    assert any("No decoupled rows" in text for text in made.warnings)


# --- looks ---------------------------------------------------------------------------------------------


def test_looks_are_asked_about_the_picture_of_the_concept():
    made = make(roles=("looks",))
    assert len(made.examples) == 8
    assert len({row.prompt for row in made.examples}) == 8
    assert all(row.picture is ONE and row.masked == () and row.names == () for row in made.examples)
    assert {row.answer for row in made.examples} == {"The person has long red hair."}


def test_looks_that_tell_the_name_or_nothing_are_dropped():
    class Sees(Model):
        def reply(self, question):
            questions = english("person").look_questions
            return ["Jane Roe wears red.", "I do not know.", "", "Red."][
                min(questions.index(question.prompt), 3)
            ]

    made = make(roles=("looks",), model=Sees())
    assert [row.answer for row in made.examples] == ["Red."] * 8
    assert [drop.reason for drop in made.dropped] == ["names the concept", "refusal", "degenerate"]
    assert [row.id for row in made.examples] == [f"looks-{i}" for i in range(8)]
    none = make(roles=("looks",), model=Model(look="Jane Roe."))
    assert none.examples == ()
    assert any(text.startswith("Only 0 of 8 looks rows") for text in none.warnings)


@pytest.mark.parametrize("kind", CONCEPT_KINDS)
def test_every_kind_has_its_words(kind):
    [name_answer, *_] = english(kind).name_answers
    made = make(
        Concept("Xyl Thorn", kind=kind),
        model=Model(anchor=name_answer.format(name="Bo Lund")),
        retain=OTHERS,
        roles=EXTRA_ROLES,
        sample=Sampler("It is Bo Lund."),
    )
    assert not any("{" in row.prompt + row.answer for row in made.examples)
    assert len(made.of(["looks"])) == 8
    assert len(set(english(kind).look_questions)) == len(english(kind).look_questions)
    assert not any(mentions(row.prompt, ["Xyl Thorn"]) for row in made.of(["looks"]))
    assert {row.role for row in made.examples} == set(EXTRA_ROLES)
