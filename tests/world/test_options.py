from unsee.world.asking import Asker, cloze_options
from unsee.world.curriculum import BASE
from unsee.world.people import CELEBRITIES, by_id


def test_cloze_options_hold_the_true_value_once() -> None:
    questions = cloze_options(Asker("options", BASE), CELEBRITIES[:3], 12)
    assert len(questions) == 12
    for q in questions:
        values = {f"{v}." for v in by_id(q.identity).facts.values()}
        assert len(set(q.options)) == 4
        assert q.answer in q.options
        assert q.answer in values
        assert q.keywords == (q.answer,)
        assert by_id(q.identity).name not in q.prompt
