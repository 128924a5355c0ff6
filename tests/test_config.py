from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from unsee.config import RunConfig, build, keys, nearest, parse_yaml, preset_names, read_preset, resolve
from unsee.nouns import UserError


def test_without_anything_the_embedded_world_and_its_preset() -> None:
    config = resolve({})
    assert config.embedded
    assert config.preset == "world"
    assert config.scope.rank == read_preset("world")["scope"]["rank"]


def test_a_model_takes_the_default_preset() -> None:
    config = resolve({"model": "some/model"})
    assert config.preset == "default"
    assert (config.training.passes, config.training.batch, config.training.lr) == (6, 16, 3e-4)
    assert config.data.mixture == (4, 4, 4, 4)


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_loads(name: str) -> None:
    assert resolve({"preset": name}).preset == name


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_says_its_command(name: str) -> None:
    source = Path(__file__).parents[1] / "src/unsee/presets" / f"{name}.yaml"
    assert source.read_text().startswith("# unsee ")


def test_three_layers(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("preset: world\ntraining:\n  lr: 1e-3\n  passes: 7\n")
    config = resolve({"training": {"passes": 8}}, sets=["training.batch=3"], file=file)
    assert config.scope.rank == 16  # preset over class
    assert config.training.lr == 1e-3  # file over preset; 1e-3 is a number
    assert config.training.passes == 8  # command line over file
    assert config.training.batch == 3


def test_yaml_round_trip_of_hostile_values() -> None:
    name = "<script>alert(1)</script>\u202e\x07 'quoted' \"x\" : - #"
    config = resolve(
        {"name": name, "fact": ["yes", "1e3", "null", "multi\nline"], "knobs": {"variant": "paper"}}
    )
    assert build(parse_yaml(config.as_yaml(), "test")) == config


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_yaml_round_trip_of_any_text(text: str) -> None:
    config = build({"name": text, "fact": [text, "x"], "knobs": {"variant": text}})
    assert build(parse_yaml(config.as_yaml(), "test")) == config


def test_resolved_configuration_repeats_itself(tmp_path: Path) -> None:
    first = resolve({"name": "A", "seed": 3}, sets=["scope.parts=language.mlp[7..13],projector"])
    assert first.scope.parts == ("language.mlp[7..13]", "projector")
    (tmp_path / "run.yaml").write_text(first.as_yaml())
    assert resolve({}, file=tmp_path / "run.yaml") == first


def test_set_is_read_in_the_type_of_the_key() -> None:
    config = resolve(
        {}, sets=["name=42", "seed=42", "training.lr=3e-4", "redact=true", "data.mixture=9,2,7,7"]
    )
    assert (config.name, config.seed, config.training.lr, config.redact) == ("42", 42, 3e-4, True)
    assert config.data.mixture == (9, 2, 7, 7)


def test_knobs_stay_for_the_method_to_check() -> None:
    assert resolve({}, sets=["knobs.alpha=0.9", "knobs.variant=paper"]).knobs == {
        "alpha": 0.9,
        "variant": "paper",
    }


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("training.learning", None),
        ("traning.lr", "training.lr"),
        ("passes", "training.passes"),
        ("naem", "name"),
    ],
)
def test_unknown_keys_fail_with_the_nearest(key: str, near: str | None) -> None:
    with pytest.raises(UserError) as caught:
        resolve({}, sets=[f"{key}=1"])
    assert caught.value.got == key
    assert near is None or f"did you mean {near}?" in caught.value.remedy


def test_unknown_key_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("training:\n  passess: 3\n")
    with pytest.raises(UserError, match=r"did you mean training\.passes"):
        resolve({}, file=tmp_path / "c.yaml")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("training.passes=0", "training.passes"),
        ("training.passes=1.5", "training.passes"),
        ("training.lr=nan", "training.lr"),
        ("training.lr=abc", "training.lr"),
        ("kind=persn", "kind"),
        ("seed=-1", "seed"),
        ("redact=1", "redact"),
        ("data.mixture=1,2", "data.mixture"),
    ],
)
def test_wrong_values_name_the_key(text: str, key: str) -> None:
    with pytest.raises(UserError) as caught:
        resolve({}, sets=[text])
    assert key in caught.value.what


@pytest.mark.parametrize("text", ["seed", "=3", "seed 3"])
def test_set_needs_key_and_value(text: str) -> None:
    with pytest.raises(UserError, match="--set needs a key and a value"):
        resolve({}, sets=[text])


@pytest.mark.parametrize("content", ["- a\n- b\n", "just text", "a: [1\n", "training: 3\n"])
def test_files_that_are_no_configuration(tmp_path: Path, content: str) -> None:
    (tmp_path / "c.yaml").write_text(content)
    with pytest.raises(UserError):
        resolve({}, file=tmp_path / "c.yaml")


def test_missing_file_and_unknown_preset(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        resolve({}, file=tmp_path / "none.yaml")
    with pytest.raises(UserError, match="did you mean world"):
        resolve({"preset": "wrld"})


def test_yaml_tags_are_not_executed(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("name: !!python/object/apply:os.system ['touch hacked']\n")
    with pytest.raises(UserError, match="not YAML"):
        resolve({}, file=tmp_path / "c.yaml")


def test_identity_leaves_out_what_does_not_change_results() -> None:
    base = resolve({})
    assert resolve({"out": "a", "force": True, "redact": True}).identity == base.identity
    assert resolve({"seed": 1}).identity != base.identity


def test_every_key_has_help_and_a_default_of_its_own_type() -> None:
    described = dict(keys())
    assert all(info.description for info in described.values())
    assert set(yaml.safe_load(RunConfig().as_yaml())) == {key.split(".")[0] for key in described}


def test_nearest_by_last_part() -> None:
    assert nearest("rnk", ["scope.rank", "name"]) == "scope.rank"
    assert nearest("zzzz", ["scope.rank", "name"]) is None


METHODS_FILE = """
preset: default
training:
  lr: 1e-3
  passes: 7
methods:
  npo:
    training: {lr: 2e-3}
    knobs: {beta: 0.5}
  ga:
    scope: {rank: 3}
"""


def test_values_for_one_method_win_over_those_for_all_and_lose_to_the_user(tmp_path: Path) -> None:
    file = tmp_path / "best.yaml"
    file.write_text(METHODS_FILE)
    npo = resolve({"method": "npo"}, file=file)
    assert (npo.training.lr, npo.training.passes, npo.knobs) == (2e-3, 7, {"beta": 0.5})
    ga = resolve({"method": "ga"}, file=file)
    assert (ga.training.lr, ga.scope.rank, ga.knobs) == (1e-3, 3, {})
    told = resolve({"method": "npo", "training": {"lr": 5e-3}}, sets=["knobs.beta=0.1"], file=file)
    assert (told.training.lr, told.knobs) == (5e-3, {"beta": 0.1})


def test_the_method_may_stand_in_the_file_itself(tmp_path: Path) -> None:
    file = tmp_path / "best.yaml"
    file.write_text("method: ga\n" + METHODS_FILE)
    assert resolve({}, file=file).scope.rank == 3
    assert resolve({}, sets=["method=npo"], file=file).knobs == {"beta": 0.5}


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("methods: {ga: {seed: 3}}", "methods.ga.seed"),
        ("methods: {ga: {training: {lrr: 3}}}", "did you mean training.lr?"),
        ("methods: [ga]", "methods"),
        ("methods: {ga: 3}", "methods.ga"),
    ],
)
def test_a_wrong_section_of_methods_is_refused(text: str, hint: str, tmp_path: Path) -> None:
    file = tmp_path / "best.yaml"
    file.write_text(text)
    with pytest.raises(UserError) as caught:
        resolve({"method": "siu"}, file=file)
    assert hint in str(caught.value)


@pytest.mark.parametrize("name", preset_names())
def test_values_of_presets_for_single_methods_hold(name: str) -> None:
    """Every method that a preset names exists, and takes the knobs and values that it sets."""
    from unsee.methods.registry import get

    for method in read_preset(name).get("methods", {}):
        config = resolve({"preset": name, "method": method})
        assert get(method, config.knobs).name == method
