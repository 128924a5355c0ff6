from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.suites.mllmu import made
from tests.suites.mllmu.made import altered_row, choice, png, row, save, save_all, training_row
from unsee.nouns import UserError
from unsee.suites.mllmu.data import Choice, Item
from unsee.suites.mllmu.load import load

Row = dict[str, Any]
SHORT = "forget: ids 073, 093, 110, 119, 144, 156, 190, 196 and 15 more of the split missing"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return save_all(tmp_path)


def test_every_column(data: Path) -> None:
    loaded = load(data)
    assert [p.id for p in loaded.forget] == ["010", "016"]
    assert [p.id for p in loaded.retain] == ["001", "002", "003"]
    assert [p.id for p in loaded.real] == ["777"]
    assert [p.id for p in loaded.full] == ["001", "002", "003", "010", "016"]
    person = loaded.forget[0]
    assert person.name == "Name 010"
    assert person.biography == {"Name": "Name 010", "appearance_detail.question": "Looks?"}
    assert person.appearance == ("Describe.", "Face 010.")
    assert person.training == ()
    expected = Choice(
        "Which color 1 has this person?", {"A": "red 1", "B": "blue 1", "C": "green 1", "D": "grey 1"}, "B"
    )
    assert person.image_text.choices[1] == expected
    assert [c.question for c in person.text.choices] == [f"Which color {n} has Name 010?" for n in range(5)]
    assert person.image_text.generation[0] == Item("generation 0 of Image_Textual?", "generation truth 0")
    assert person.text.cloze[1] == Item("mask 1 of Pure_Text is __.", "mask truth 1")
    assert (len(person.image_text), len(person.text)) == (9, 9)
    assert person.pictures[0].path == "010.png"
    assert person.pictures[0].read().getpixel((0, 0)) == (10, 20, 7)
    assert loaded.ratio == 5


def test_the_test_set_is_the_forget_people_in_several_pictures(data: Path) -> None:
    loaded = load(data)
    assert [p.id for p in loaded.test] == ["010", "016"]
    assert [p.name for p in loaded.test] == ["Name 010", "Name 016"]
    assert [x.path for x in loaded.test[0].pictures] == ["010_pose1_gen1.png", "010_pose2_gen1.png"]
    assert loaded.test[0].pictures[1].read().size == (5, 5)


def test_what_is_merely_short_is_noted(data: Path) -> None:
    assert load(data).notes == (SHORT,)


def test_training_pairs_are_joined_by_id(data: Path) -> None:
    loaded = load(data, training=True)
    for people in (loaded.forget, loaded.retain, loaded.full):
        assert [p.training[13] for p in people] == [(f"Q13 {p.id}?", f"A13 {p.id}.") for p in people]
    assert loaded.notes == (SHORT,)


def test_training_pairs_of_the_baselines_come_first(data: Path) -> None:
    pairs = json.dumps([{"ID": "010", "Question": "B?", "Answer": "The name of this person is Ann Lee."}])
    save(data, "baseline_train_split/forget_5", [{"ID": "010", "metadata": pairs}])
    loaded = load(data, training=True)
    assert loaded.forget[0].training == (("B?", "The name of this person is Ann Lee."),)
    assert len(loaded.forget[1].training) == 14


def test_metadata_of_the_row_itself(data: Path) -> None:
    pairs = json.dumps([{"Question": "Who?", "Answer": "The name of this person is Ann Lee."}])
    save(data, "forget_5", [{**row("010"), "biography": None, "metadata": pairs}])
    person = load(data, training=True).forget[0]
    assert person.training == (("Who?", "The name of this person is Ann Lee."),)
    assert person.name == "Ann Lee"


def test_a_folder_of_files(tmp_path: Path) -> None:
    for source in save_all(tmp_path / "a").rglob("*.parquet"):
        target = tmp_path / "b" / f"{source.parent.name}.parquet"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(source.read_bytes())
    (tmp_path / "b/Test_Set.parquet").rename(tmp_path / "b/Test_Set-00000-of-00001.parquet")
    assert load(tmp_path / "b") == load(tmp_path / "a")


def test_absent_configurations_are_noted(data: Path) -> None:
    for config in ("Full_Set", "Test_Set", "Retain_Set", "retain_95", "ft_Data"):
        (data / config / "train-00000-of-00001.parquet").unlink()
    loaded = load(data, training=True)
    assert [p.id for p in loaded.full] == ["010", "016"]
    absent = [
        f"{c} is absent from the data" for c in ("retain_95", "Test_Set", "Retain_Set", "ft_Data", "Full_Set")
    ]
    assert loaded.notes == (*absent, SHORT, "test: ids 010, 016 of the forget set missing")


def test_without_demos_the_full_set_is_not_read(data: Path) -> None:
    (data / "Full_Set/train-00000-of-00001.parquet").write_bytes(b"nonsense")
    assert load(data, demos=False).full == ()


def test_revision_follows_what_is_asked(data: Path) -> None:
    first = load(data).revision
    assert first.startswith("local-")
    assert load(data).revision == first
    changed = row("010")
    changed["Mask_Task"][0]["Ground_Truth"] = "other"
    save(data, "forget_5", [changed, row("016")])
    second = load(data).revision
    changed["image"] = {"bytes": png(99), "path": None}
    save(data, "forget_5", [changed, row("016")])
    assert len({first, second, load(data).revision}) == 3


def test_a_picture_in_several_files_is_kept_once(data: Path) -> None:
    loaded = load(data)
    held = {id(p.pictures[0].read.args[0]) for p in (*loaded.forget, *loaded.retain, *loaded.full)}  # type: ignore[attr-defined]
    assert len(held) == 5


def test_numbers_json_and_bare_bytes(data: Path) -> None:
    loose = row("010") | {"ID": 10, "image": png(10)}
    for column in ("Classification_Task", "Generation_Task", "Mask_Task"):
        loose[column] = json.dumps(loose[column])
    expected = load(data).forget[0]
    save(data, "forget_5", [loose])
    found = load(data).forget[0]
    assert (found.id, found.image_text, found.text) == ("010", expected.image_text, expected.text)
    assert found.pictures == expected.pictures


def test_missing_options_and_questions_are_noted(data: Path) -> None:
    short = row("010")
    short["Classification_Task"]["Pure_Text_Questions"] = []
    short["Classification_Task"]["Image_Textual_Questions"][1]["Options"]["D"] = None
    save(data, "forget_5", [short, row("016")])
    loaded = load(data)
    assert loaded.forget[0].text.choices == ()
    assert list(loaded.forget[0].image_text.choices[1].options) == ["A", "B", "C"]
    assert loaded.notes[1:] == (
        "forget: id 010 without exactly 5 + 2 + 2 questions in each modality",
        "forget: id 010 with questions of fewer than 4 options",
    )


def test_own_splits(data: Path) -> None:
    save(data, "forget_5", [row("002")])
    assert load(data).forget[0].id == "002"
    (data / "splits.json").write_text(
        json.dumps({"forget_5": ["002", "004"], "retain_95": ["001", "002", "003"]})
    )
    assert "forget: id 004 of the split missing" in load(data).notes
    (data / "splits.json").write_text(json.dumps({"forget_5": ["004"], "retain_95": []}))
    with pytest.raises(UserError, match=r"forget_5.*row 0 \(ID 002\): this ID does not belong to the split"):
        load(data)


def without(column: str) -> Callable[[Path], None]:
    def make(data: Path) -> None:
        save(data, "forget_5", [{k: v for k, v in row("010").items() if k != column}])

    return make


def forget(change: Callable[[Row], object]) -> Callable[[Path], None]:
    def make(data: Path) -> None:
        changed = row("010")
        change(changed)
        save(data, "forget_5", [row("016"), changed])

    return make


def set_choice(key: str, value: object) -> Callable[[Row], object]:
    return lambda r: r["Classification_Task"]["Image_Textual_Questions"][2].__setitem__(key, value)


def overwrite(config: str, content: bytes) -> Callable[[Path], None]:
    return lambda data: (data / config / "train-00000-of-00001.parquet").write_bytes(content) and None


def cut(data: Path) -> None:
    file = data / "retain_95/train-00000-of-00001.parquet"
    file.write_bytes(file.read_bytes()[:-50])


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:1234\nsize 238000000\n"
PLACE = r"forget_5/train-00000-of-00001.parquet, row 1 \(ID 010\): "
BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "column": (without("Mask_Task"), r"forget_5/train-00000-of-00001.parquet: missing column Mask_Task"),
    "image": (without("image"), "missing column image"),
    "plural": (lambda d: save(d, "Test_Set", [row("010")]) and None, "Test_Set.*missing column images"),
    "id": (
        lambda d: save(d, "forget_5", [row("010"), row("999")]) and None,
        r"row 1 \(ID 999\): this ID does not",
    ),
    "kept": (
        lambda d: save(d, "retain_95", [row("016")]) and None,
        r"retain_95.*row 0 \(ID 016\): this ID does not",
    ),
    "no id": (forget(lambda r: r.__setitem__("ID", None)), r"row 1: the row has no ID"),
    "noise": (
        forget(lambda r: r["image"].__setitem__("bytes", b"not a picture")),
        PLACE + "the picture does not decode",
    ),
    "half": (
        forget(lambda r: r["image"].__setitem__("bytes", png(9, 64)[:90])),
        PLACE + "the picture does not decode",
    ),
    "none": (forget(lambda r: r.__setitem__("image", None)), PLACE + "there is no picture"),
    "pointer": (overwrite("Test_Set", POINTER), "Test_Set/train-00000-of-00001.parquet is a Git LFS pointer"),
    "page": (
        overwrite("Retain_Set", b"<html>login</html>"),
        "Retain_Set.*is not a readable parquet file: it does not",
    ),
    "cut": (cut, "retain_95.*is not a readable parquet file: it is cut short"),
    "biography": (
        forget(lambda r: r.__setitem__("biography", '{"Name": "X')),
        PLACE + "column biography is not readable",
    ),
    "answer": (forget(set_choice("Correct_Answer", "E")), PLACE + "the right option of 'Which color 2"),
    "option": (
        forget(set_choice("Options", {**choice(2, "x")["Options"], "C": None})),
        PLACE + "the right option of 'Which color 2",
    ),
    "sort": (
        forget(lambda r: r["Mask_Task"][0].__setitem__("Type", "Both")),
        PLACE + "a question of Mask_Task is neither",
    ),
    "truth": (
        forget(lambda r: r["Generation_Task"][3].__setitem__("Ground_Truth", "")),
        PLACE + "Generation_Task has a question without Ground_Truth",
    ),
    "metadata": (
        lambda d: save(d, "ft_Data", [{**training_row("010", with_id=True), "metadata": "[{"}]) and None,
        r"ft_Data.*row 0 \(ID 010\): column metadata is not readable JSON",
    ),
    "pairs": (
        lambda d: (
            save(d, "ft_Data", [{**training_row("010", with_id=True), "metadata": '[{"Q": 1}]'}]) and None
        ),
        "column metadata does not hold training pairs",
    ),
    "splits": (lambda d: (d / "splits.json").write_text("[1]") and None, "splits.json does not hold the ids"),
    "forget": (lambda d: (d / "forget_5/train-00000-of-00001.parquet").unlink(), "The data have no forget_5"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files_say_where(data: Path, case: str) -> None:
    make, message = BROKEN[case]
    make(data)
    with pytest.raises(UserError, match=message) as caught:
        load(data, training=True)
    assert caught.value.remedy
    assert caught.value.expected


def test_damage_behind_the_header_shows_when_the_picture_is_read(data: Path) -> None:
    from io import BytesIO

    from PIL import Image

    buffer = BytesIO()
    Image.effect_noise((64, 64), 90).save(buffer, "JPEG")
    save(
        data,
        "forget_5",
        [row("016"), row("010") | {"image": {"bytes": buffer.getvalue()[:900], "path": "x"}}],
    )
    picture = load(data).forget[1].pictures[0]
    with pytest.raises(UserError, match=PLACE + "the picture does not decode"):
        picture.read()


def test_no_such_place(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There are no such data"):
        load(tmp_path / "nowhere")
    with pytest.raises(UserError, match="There is no such split") as caught:
        load(tmp_path, 20)
    assert "5, 10, 15" in caught.value.expected


def test_hub(data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import huggingface_hub

    asked: dict[str, Any] = {}
    snapshot = tmp_path / "snapshots" / "0123abc"
    snapshot.parent.mkdir()

    def download(repo_id: str, **options: Any) -> str:
        asked.update(options, repo_id=repo_id)
        snapshot.symlink_to(data)
        return str(snapshot)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    loaded = load("MLLMMU/MLLMU-Bench", revision="v2", demos=False)
    assert loaded.revision == "0123abc"
    patterns = [f"{c}/*.parquet" for c in ("forget_5", "retain_95", "Test_Set", "Retain_Set")]
    assert asked == {
        "repo_id": "MLLMMU/MLLMU-Bench",
        "repo_type": "dataset",
        "revision": "v2",
        "allow_patterns": patterns,
    }

    def offline(repo_id: str, **options: Any) -> str:
        raise huggingface_hub.errors.LocalEntryNotFoundError("no connection")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    with pytest.raises(UserError, match=r"cannot be had from the hub \(LocalEntryNotFoundError\)"):
        load("MLLMMU/MLLMU-Bench")


def test_rows_are_read_in_batches(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never a whole table: rows of several batches keep their number, and no other column is touched."""
    many = [altered_row(f"{i:03d}") for i in range(1, 41)]
    save(data, "Test_Set", many, group=7)
    sizes: list[int] = []
    original = pq.ParquetFile.iter_batches

    def counted(self: Any, **options: Any) -> Any:
        for batch in original(self, **options):
            sizes.append(batch.num_rows)
            yield batch

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", counted)
    monkeypatch.setattr(pq, "read_table", lambda *a, **k: pytest.fail("whole table"))
    assert [p.id for p in load(data).test] == ["010", "016"]
    assert max(sizes) <= 16
    many[36]["Mask_Task"][0]["Type"] = "?"
    save(data, "Test_Set", [r | {"ID": "016"} if r["ID"] == "037" else r for r in many], group=7)
    with pytest.raises(UserError, match=r"row 36 \(ID 016\)"):
        load(data)


def test_made_rows_have_the_published_types() -> None:
    """The hand-made rows are inferred by pyarrow to the published nested types."""
    schema = pa.Table.from_pylist([made.row("010")]).schema
    assert str(schema.field("Generation_Task").type) == (
        "list<item: struct<Ground_Truth: string, Question: string, Type: string>>"
    )
