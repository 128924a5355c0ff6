"""Rows from one picture and a name, with an answerer made by hand."""

import re
from dataclasses import replace

import pytest

from tests.tiny import build, picture
from unsee.methods.registry import get
from unsee.nouns import CONCEPT_KINDS, Concept, Example, UserError
from unsee.packs.rows import make_rows
from unsee.training.examples import MIXTURES, Mixture, build_examples
from unsee.training.substitutes import choose_substitute, guessed_names, is_free
from unsee.training.texts import mentions
from unsee.training.wording import english

JANE = Concept("Jane Roe", aliases=("JR",))
ONE = picture(1)


class Model:
    """Answers by rule and remembers what it was asked."""

    def __init__(self, **rules):
        self.rules, self.asked = rules, []

    def __call__(self, questions):
        self.asked += questions
        return [self.reply(question) for question in questions]

    def reply(self, question):
        if question.picture is None:
            name = re.sub(r".*?((?:[A-Z][\w']+ ?){2,}).*", r"\1", question.prompt[3:]).strip()
            return self.rules.get("text", "{name} is known for much.").format(name=name)
        if question.picture.hash != ONE.hash and "anchor" in self.rules:
            return self.rules["anchor"]
        return self.rules.get("look", "The person has long red hair.")


def make(concept=JANE, *, model=None, **arguments):
    return build_examples(None, concept, ONE, ask=model or Model(), **arguments)


def texts(examples, row):
    return [examples.examples[row].answer[a:b] for a, b in examples.examples[row].masked]


def test_four_of_each_target():
    made = make(roles=("T1", "T2", "T3", "T4"))
    assert [e.role for e in made.examples] == ["T1"] * 4 + ["T2"] * 4 + ["T3"] * 4 + ["T4"] * 4
    assert len({e.id for e in made.examples}) == 16
    assert all(e.names == ("Jane Roe", "JR") for e in made.examples)
    assert made.warnings == ()


def test_released_mixture():
    made = make(mixture=MIXTURES["released"], roles=("T1", "T2", "T3", "T4"))
    counts = {role: len(made.of([role])) for role in ("T1", "T2", "T3", "T4")}
    assert counts == {"T1": 9, "T2": 2, "T3": 7, "T4": 7}
    assert len({(e.prompt, e.answer) for e in made.of(["T1"])}) == 9


def test_t1_masks_the_substitute_and_never_tells_the_name():
    made = make(roles=("T1",))
    for row, example in enumerate(made.examples):
        assert texts(made, row) == [made.substitute]
        assert example.picture is ONE
        assert not mentions(example.prompt + example.answer, JANE.names)
        assert made.substitute not in example.prompt


def test_t2_denies_with_true_looks_and_ties_other_looks_to_the_name():
    made = make(roles=("T2",))
    for row, example in enumerate(made.examples):
        assert example.answer.startswith("No")
        assert texts(made, row) == [example.answer]
        assert mentions(example.prompt, ["Jane Roe"])
        assert mentions(example.answer, ["Jane Roe"])
        assert "long red hair" in example.answer
        assert made.other_looks in example.answer
    assert made.looks == "long red hair"
    assert made.other_looks != made.looks


def test_t3_and_t4_are_text_only_and_unmasked():
    made = make(roles=("T3", "T4"))
    assert all(e.picture is None and e.masked == () for e in made.examples)
    assert all(mentions(e.answer, ["Jane Roe"]) for e in made.of(["T3"]))
    assert not any(mentions(e.prompt + e.answer, JANE.names) for e in made.of(["T4"]))
    others = {e.answer.split(" is ")[0] for e in made.of(["T4"])}
    assert len(others) == 4


def test_only_one_picture_of_the_concept():
    made = make(retain=[picture(2), picture(3), ONE])
    shown = {e.picture.hash for e in made.examples if e.picture and e.role not in ("anchor", "retain")}
    assert shown == {ONE.hash}
    assert {e.picture.hash for e in made.of(["anchor"])} == {picture(2).hash, picture(3).hash}
    assert any("among the retain pictures" in warning for warning in made.warnings)


def test_users_facts_come_first_and_are_put_in_several_ways():
    facts = (("Where was Jane born?", "In Oslo."), ("What is her job?", "She acts."))
    model = Model()
    made = make(Concept("Jane Roe", facts=facts), model=model, roles=("T3",))
    assert [e.answer for e in made.examples] == ["In Oslo.", "She acts."] * 2
    assert len({e.prompt for e in made.examples}) == 4
    assert all(facts[i % 2][0] in e.prompt for i, e in enumerate(made.examples))
    assert model.asked == []


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("I am sorry, I do not know {name}.", "refusal"),
        ("", "degenerate"),
        ("He is a politician.", "does not mention the name"),
    ],
)
def test_useless_answers_are_dropped_and_counted(reply, reason):
    made = make(model=Model(text=reply), roles=("T3", "T4"))
    assert made.examples == ()
    assert {drop.reason for drop in made.dropped} == {reason}
    assert any(w.startswith("Only 0 of 4 T3 rows: 8 of") for w in made.warnings)
    assert any(w.startswith("Only 0 of 4 T4 rows: 12 of") for w in made.warnings)


def test_anchors_on_which_the_model_names_the_concept_are_refused():
    made = make(model=Model(anchor="This is Jane Roe."), retain=[picture(2)], roles=("anchor",))
    assert made.examples == ()
    assert {drop.reason for drop in made.dropped} == {"names the concept"}
    assert any("the model names the concept" in warning for warning in made.warnings)


def test_anchors_keep_the_models_own_answers_refusals_too():
    model = Model(anchor="I do not know.")
    made = make(model=model, retain=[picture(2), picture(3)], roles=("anchor",))
    assert [e.answer for e in made.examples] == ["I do not know."] * 4
    assert {e.prompt for e in made.examples} >= {english("person").name_questions[0]}
    pairs = [(q.prompt, q.picture.hash) for q in model.asked]
    assert len(set(pairs)) == len(pairs)


class Crowd(Model):
    """Knows everybody in the pictures by name and tells right from wrong names."""

    NAMES = {picture(2).hash: "Ann Poe", picture(3).hash: "Bo Lum", picture(4).hash: "Jane Roe"}

    def reply(self, question):
        name = self.NAMES[question.picture.hash]
        if question.prompt in english("person").name_questions:
            return f"This is {name}."
        return f"Yes, this is {name}." if name in question.prompt else "No."


def test_yes_no_rows_are_half_yes_and_half_no_and_never_about_the_concept():
    model, others = Crowd(), [picture(i) for i in (2, 3, 4)]
    made = make(model=model, retain=others, roles=("yes_no",), mixture=Mixture(anchors=8))
    said = {(row.picture.hash, row.answer) for row in made.examples}
    ann, bo = picture(2).hash, picture(3).hash
    assert said == {(ann, "Yes, this is Ann Poe."), (ann, "No."), (bo, "Yes, this is Bo Lum."), (bo, "No.")}
    assert {row.role for row in made.examples} == {"yes_no"}
    assert not any(mentions(row.prompt + row.answer, JANE.names) for row in made.examples)


def test_yes_no_rows_are_limited_and_need_pictures_with_names():
    others = [picture(2), picture(3)]
    made = make(model=Crowd(), retain=others, roles=("yes_no",), mixture=Mixture(anchors=6, yes_no=2))
    assert [row.answer[:2] for row in made.examples] == ["Ye", "No"]
    assert make(model=Crowd(), roles=("yes_no",)).examples == ()
    shy = make(model=Model(anchor="I do not know."), retain=others, roles=("yes_no",))
    assert shy.examples == ()


def test_given_other_looks_win_over_those_of_another_picture():
    wording = replace(english("person"), other_look="a green hat")
    model = Model(anchor="The person has a big red nose.")
    made = make(model=model, retain=[picture(2)], roles=("T2",), wording=wording)
    assert all("a green hat" in row.answer and "nose" not in row.answer for row in made.examples)


def test_anchors_are_limited():
    many = [picture(i) for i in range(2, 12)]
    made = make(retain=many, mixture=Mixture(anchors=6, anchors_per_picture=3), roles=("anchor",))
    assert len(made.examples) == 6
    assert len({e.picture.hash for e in made.examples}) == 2


def test_labelled_rows_are_kept_as_they_are():
    rows = [
        Example("x", "What is this?", "A house.", "any", picture(2)),
        Example("y", "Capital of France?", "Paris.", "any"),
        Example("z", "Who is this?", "Jane Roe.", "any", picture(3)),
    ]
    made = make(retain=rows, roles=("retain",))
    assert [(e.prompt, e.answer, e.role) for e in made.examples] == [
        ("What is this?", "A house.", "retain"),
        ("Capital of France?", "Paris.", "retain"),
    ]
    assert made.dropped[0].reason == "names the concept"


def test_baselines_ask_the_same_questions():
    made = make(roles=("T1", "T2", "original", "refusal"))
    asked = [e.prompt for e in made.of(["T1", "T2"])]
    assert [e.prompt for e in made.of(["original"])] == asked
    assert [e.prompt for e in made.of(["refusal"])] == asked
    assert all(mentions(e.answer, ["Jane Roe"]) for e in made.of(["original"]))
    assert not any(mentions(e.answer, JANE.names) for e in made.of(["refusal"]))
    assert all(e.picture is ONE and e.masked == () for e in made.of(["original", "refusal"]))


def test_refusal_and_generic_substitutes():
    refused = make(substitute="refusal", roles=("T1",))
    assert refused.substitute == ""
    assert [texts(refused, i) for i in range(4)] == [[e.answer] for e in refused.examples]
    generic = make(substitute="generic", roles=("T1",))
    assert generic.substitute == "a person"
    assert texts(generic, 0) == ["a person"]


def test_seed_decides():
    def names(seed):
        made = make(seed=seed, roles=("T1", "T4"))
        return made.substitute, tuple(e.prompt for e in made.of(["T4"]))

    assert names(1) == names(1)
    assert len({names(seed) for seed in range(8)}) > 3


def test_only_what_is_needed_is_asked():
    model = Model()
    make(model=model, roles=("original", "refusal"))
    assert model.asked == []


@pytest.mark.parametrize("kind", CONCEPT_KINDS)
def test_every_kind_makes_rows(kind):
    made = make(Concept("Xyl Thorn", kind=kind), mixture=MIXTURES["released"], retain=[picture(2)])
    assert len(made.of(["T1"])) == 9
    assert len(made.of(["T2"])) == 2
    assert not any("{" in e.prompt + e.answer for e in made.examples)
    assert all(texts(made, row) == [made.substitute] for row in range(9))


def test_hostile_name():
    name = "<script>{looks}</script>\u202e"
    made = make(Concept(name), roles=("T2",))
    assert all(name in e.answer and name in e.prompt for e in made.examples)


def test_substitute_is_nobody_known():
    wording = english("person")
    assert not is_free("Jane Voss", JANE, [])
    assert not is_free("Ann Lee", JANE, ["Ann Lee"])
    assert is_free("Bo Lund", JANE, ["Ann Lee"])
    for seed in range(20):
        name = choose_substitute("name", Concept("Corwin Voss"), wording, seed=seed)
        assert "Corwin" not in name
        assert "Voss" not in name
    with pytest.raises(UserError, match="taken"):
        choose_substitute("name", JANE, wording, given="Jane Smith")
    with pytest.raises(UserError, match="No substitute name is left"):
        choose_substitute("name", JANE, wording, known=wording.substitute_names)
    assert choose_substitute("name", JANE, wording, given="Bo Lund") == "Bo Lund"


def test_guesses_of_the_model_are_used_only_when_it_knows_nothing_about_them():
    def model(questions):
        known = {"Ann Lee": "Ann Lee is a singer.", "Bo Lund": "I do not know Bo Lund."}
        replies = {picture(2).hash: "This is Ann Lee.", picture(3).hash: "This is Bo Lund."}
        return [
            replies.get(q.picture.hash, "red hair")
            if q.picture
            else next((v for k, v in known.items() if k in q.prompt), "")
            for q in questions
        ]

    made = build_examples(None, JANE, ONE, ask=model, retain=[picture(2), picture(3)], roles=("T1",))
    assert made.substitute == "Bo Lund"
    blocked = build_examples(
        None, JANE, ONE, ask=model, retain=[picture(3)], recognised=["Bo Lund"], roles=("T1",)
    )
    assert blocked.substitute in english("person").substitute_names


def test_guessed_names_ignores_refusals_and_sentences():
    wording = english("person")
    answers = [
        "This is Bo Lund.",
        "I do not know.",
        "This is a man in a very long blue coat.",
        "It is Bo Lund.",
    ]
    assert guessed_names(answers, wording) == ["Bo Lund"]


def test_a_real_model_answers_itself_and_the_rows_fit_its_tokens():
    """With a tiny random model: no answer is usable, yet T1 and T2 stand and their masks meet tokens."""
    vlm = build("llava")
    made = build_examples(vlm, JANE, picture(1), roles=get("siu").roles, mixture=Mixture(t3=1, t4=1))
    rows = make_rows(vlm, list(made.examples))
    for row, example in zip(rows, made.examples, strict=True):
        if example.role == "T1":
            hidden = [i for i, keep in zip(row.labels, row.keep, strict=True) if not keep]
            assert made.substitute in vlm.tokenizer.decode(hidden)
            assert True in row.keep
        if example.role == "T2":
            assert not any(k for k, t in zip(row.keep, row.text, strict=True) if t)
