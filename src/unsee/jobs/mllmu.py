"""``unsee evaluate mllmu``: one model, and what stands beside it, answers MLLMU-Bench by a protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from unsee.config import RunConfig
from unsee.jobs import embedded
from unsee.jobs.environment import environment
from unsee.jobs.folder import LOG, RunFolder, check_writable, held
from unsee.jobs.inputs import with_absolute_paths
from unsee.jobs.judge import asked_judge
from unsee.jobs.lines import Lines, unfinished, write_atomic
from unsee.jobs.measure import as_record
from unsee.jobs.mllmu_asking import ask_missing
from unsee.jobs.mllmu_floors import at_ratio, base_of, check_floors, gold_of, other_gold_of
from unsee.jobs.receipt import Receipt, print_cost
from unsee.jobs.start import quiet
from unsee.metrics.factuality import LONGEST_REPLY, AskingFactJudge, FactJudge, KeyFactJudge
from unsee.models.adapters import load_adapter
from unsee.models.load import VLM, load
from unsee.models.processes import agreed, from_leader, join, leads
from unsee.nouns import Record, UserError, hash_text
from unsee.reports.mllmu import markdown
from unsee.reports.mllmu_beside import full_markdown
from unsee.reports.mllmu_page import write_evaluation
from unsee.suites.mllmu.asks import Ask, Condition, Protocol, protocol, under
from unsee.suites.mllmu.context import check_context
from unsee.suites.mllmu.data import Mllmu
from unsee.suites.mllmu.load import check_pictures
from unsee.suites.mllmu.load import load as load_data
from unsee.suites.mllmu.official import official_files
from unsee.suites.mllmu.presets import DEFAULT, SETS, Preset, SetName, get_preset
from unsee.suites.mllmu.results import OTHER_GOLD, results_of
from unsee.suites.mllmu.scoring import FORGET_SETS
from unsee.suites.records import joined

JOB = "evaluate mllmu"
KEY = ("model", "weights", "protocol", "question")
CONTROLS: tuple[Condition, ...] = ("no_image", "shuffled_image", "options_only")
ENVIRONMENT = "environment.json"
EMBEDDED_STAGE = "target"


@dataclass(frozen=True)
class MllmuOptions:
    """What is asked, beside the model.

    Attributes:
        data: Folder of the published parquet files, or a hub id; empty = the embedded people.
        data_revision: Commit, branch or tag of the data on the hub.
        preset: The protocol.
        split: Sets that are asked; empty = all four.
        ratio: Percent of the people in the forget set.
        limit: At most so many people per set; 0 = all.
        examples: Ids of people to show as examples instead of drawn ones.
        picture: Index of the test picture instead of a drawn one.
        controls: Whether the floors that need the model are asked too (``corrected`` only).
        judge_url: OpenAI-compatible endpoint that grades generated answers; empty = key facts, offline.
        judge_model: Its model, a dated version; without an endpoint the folder of a model here that grades.
    """

    data: str = ""
    data_revision: str = ""
    preset: str = DEFAULT
    split: tuple[str, ...] = ()
    ratio: int = 5
    limit: int = 0
    examples: tuple[str, ...] = ()
    picture: int | None = None
    controls: bool = True
    judge_url: str = ""
    judge_model: str = ""

    @property
    def sets(self) -> tuple[SetName, ...]:
        """The sets that are asked.

        Raises:
            UserError: There is no such set.
        """
        unknown = [name for name in self.split if name not in get_args(SetName)]
        if unknown:
            raise UserError(
                "There is no such set of MLLMU-Bench.",
                got=", ".join(unknown),
                expected=", ".join(SETS),
                remedy="correct --split",
            )
        return tuple(name for name in SETS if not self.split or name in self.split)


@dataclass(frozen=True)
class BenchmarkOutcome:
    """What was written: the folder and the content of ``results.json``."""

    folder: Path
    results: Mapping[str, Any]

    def print(self) -> None:
        """Prints the figures and where everything lies; the leader alone does."""
        if not leads():
            return
        print(markdown(self.results))
        print(f"report   {self.folder / 'report.html'}")
        print(f"results  {self.folder / 'results.json'}")
        print(f"official {self.folder / 'official'}")
        print_cost(self.folder)


def evaluate_mllmu(config: RunConfig, options: MllmuOptions) -> BenchmarkOutcome:
    """Runs or continues ``unsee evaluate mllmu``.

    The model is called ``target``; with an adapter the model with it is ``unlearned``. Beside it stand
    ``base`` and ``gold`` (see :func:`_floors`), and a second gold model for the floor of distances to gold.

    Raises:
        UserError: The input is wrong, or the folder holds another run.
    """
    join(config.device)
    with agreed():
        given = {"ratio": options.ratio, "data": options.data}
        config = with_absolute_paths(
            config.model_copy(update={"mllmu": config.mllmu.model_copy(update=given)})
        )
        check_floors(config)
        preset, sets = get_preset(options.preset), options.sets
        judge_of(config, options, Path(config.out))
        data = read_data(options, demos=preset.pool != "none")
        vlm = _load(config, config.model or str(embedded.model_path(EMBEDDED_STAGE)))
        asked = protocol(
            data,
            preset,
            vlm.base.config.model_type,
            seed=config.seed,
            sets=sets,
            limit=options.limit,
            examples_of=options.examples,
            picture=options.picture,
            max_new_tokens=config.evaluation.max_new_tokens,
        )
        check_pictures(picture for ask in asked.asks for picture in ask.pictures)
        check_context(vlm.chat, asked.asks)
        floors = _floors(config, options, preset)
        inputs = _inputs(config, vlm, asked, floors)
    path = Path(config.out).expanduser() if config.out else _folder(inputs)
    with opened(path, config.seed, inputs) as folder:
        lines = Lines(folder.path / "records.jsonl", KEY)
        _ask_models(config, options, vlm, asked, floors, lines, Receipt(folder))

        def finish() -> dict[str, Any]:
            judge = judge_of(config, options, path)
            found = results_of(asked, _records(lines, asked), data=data, judge=judge, seed=config.seed)
            folder.write("results.json", found)
            _write_official(path, asked, lines)
            write_atomic(path / "table.md", full_markdown(found))
            write_evaluation(path / "report.html", found)
            return found

        # A judge is asked once, so the leader alone makes the results.
        return BenchmarkOutcome(path, from_leader(finish))


def read_data(options: MllmuOptions, *, demos: bool = True) -> Mllmu:
    """The data of the options: published files, or the embedded people.

    Training pairs, against which evaluation questions are checked, are read where they lie here; they are
    never downloaded for it.

    Raises:
        UserError: They cannot be read.
    """
    if options.data:
        here, revision = Path(options.data).exists(), options.data_revision
        return load_data(options.data, options.ratio, revision=revision, training=here, demos=demos)
    from unsee.world.mllmu import embedded_mllmu

    return embedded_mllmu(options.ratio)


def judge_of(config: RunConfig, options: MllmuOptions, path: Path) -> FactJudge:
    """Who grades generated answers; what a judge said is kept under ``path`` and never asked again.

    Raises:
        UserError: The judge is only half given or cannot be asked; nothing was asked yet.
    """
    found = asked_judge(config, options.judge_url, options.judge_model, path, LONGEST_REPLY)
    return KeyFactJudge() if found is None else AskingFactJudge(found.name, found.ask)


def _load(config: RunConfig, model: str) -> VLM:
    quiet()
    return load(
        model,
        revision=config.revision or None if model == config.model else None,
        device=config.device,
        dtype=config.dtype,
        attention=config.attention,
        trust_remote_code=config.trust_remote_code,
    )


def _floors(config: RunConfig, options: MllmuOptions, preset: Preset) -> dict[str, str]:
    """Models asked beside the target, by label: those named, with the controls also those shipped."""
    named = {"base": config.mllmu.base, "gold": config.gold, OTHER_GOLD: config.mllmu.gold_other}
    if options.controls and preset.parser == "likelihood":
        named = {"base": base_of(config), "gold": gold_of(config), OTHER_GOLD: other_gold_of(config)}
    return {label: at_ratio(model, config.mllmu.ratio) for label, model in named.items() if model}


def _inputs(config: RunConfig, vlm: VLM, asked: Protocol, floors: Mapping[str, str]) -> dict[str, str]:
    """Everything the records depend on."""
    return {
        "job": JOB,
        "weights": vlm.weights_hash,
        "adapter": hash_of_folder(config.adapter),
        "gold": floors.get("gold", ""),
        "template": vlm.chat.template_hash,
        "device": f"{vlm.device.type} {vlm.dtype}",
        "preset": asked.preset.name,
        "data": asked.revision,
        "protocol": asked.hash,
        **{label.split(":")[-1]: model for label, model in floors.items() if label != "gold"},
    }


def hash_of_folder(folder: str) -> str:
    """Hash (hex) of the weights and settings in a folder; empty for no folder."""
    if not folder:
        return ""
    files = sorted(
        p for p in Path(folder).rglob("*") if p.is_file() and p.suffix in (".safetensors", ".json")
    )
    return hash_text(*(f"{p.relative_to(folder)} {hash_text(p.read_bytes().hex())}" for p in files))


def _folder(inputs: Mapping[str, str]) -> Path:
    return Path("runs") / f"evaluate-mllmu-{inputs['preset']}-{hash_text(*inputs.values())[:8]}"


@contextmanager
def opened(path: Path, seed: int, inputs: Mapping[str, str]) -> Iterator[RunFolder]:
    """The folder, locked; refused when it holds anything but this very run."""
    with held(path, lambda: _check_same(path, inputs)) as folder:
        folder.write(ENVIRONMENT, environment(seed=seed, inputs=inputs))
        yield folder


def _check_same(path: Path, inputs: Mapping[str, str]) -> None:
    check_writable(path)
    names = [entry.name for entry in path.iterdir()] if path.exists() else []
    earlier = (RunFolder(path).read(ENVIRONMENT) or {}).get("inputs") if ENVIRONMENT in names else None
    foreign = [name for name in names if name != LOG and not unfinished(name)]
    if foreign and earlier != dict(inputs):
        changed = [key for key in inputs if (earlier or {}).get(key) != inputs[key]]
        raise UserError(
            "The output folder holds something else.",
            got=f"{path}: " + (f"a run with another {', '.join(changed)}" if earlier else foreign[0]),
            expected="a new folder, or the folder of the same evaluation",
            remedy="choose another --out",
        )


def _ask_models(
    config: RunConfig,
    options: MllmuOptions,
    vlm: VLM,
    asked: Protocol,
    floors: Mapping[str, str],
    lines: Lines,
    receipt: Receipt,
) -> None:
    """Every model and every control condition; what is there already is not asked again."""
    weights = vlm.weights_hash

    def ask(model: VLM, label: str, asks: Sequence[Ask], weights: str) -> None:
        template, machine = model.chat.template_hash, (str(model.device.type), str(model.dtype))
        ask_missing(
            model,
            asked.preset,
            asks,
            label,
            lines,
            batch=config.evaluation.batch,
            counted=receipt.stage(label),
            same={"weights": hash_text(weights, template, *machine), "protocol": asked.hash},
        )

    ask(vlm, "target", asked.asks, weights)
    known = [a for a in asked.asks if a.set in FORGET_SETS]
    if options.controls and asked.preset.parser == "likelihood":
        for condition in CONTROLS:
            ask(vlm, f"target:{condition}", under(condition, known), weights)
    if config.adapter:
        adapted = load_adapter(vlm, config.adapter)
        ask(adapted, "unlearned", asked.asks, f"{weights} {hash_of_folder(config.adapter)}")
    for label, model in floors.items():
        asks = known if label == "base" else asked.asks
        if asks:
            floor = _load(config, model)
            ask(floor, label, asks, floor.weights_hash)


def _records(lines: Lines, asked: Protocol) -> dict[str, list[Record]]:
    """The records of this protocol by model."""
    found: dict[str, list[Record]] = {}
    for row in lines.rows:
        if row["protocol"] == asked.hash:
            record = as_record(row)
            found.setdefault(record.model, []).append(record)
    return found


def _write_official(path: Path, asked: Protocol, lines: Lines) -> None:
    """The release's files of every model, under ``official/MODEL``."""
    for label, records in _records(lines, asked).items():
        if ":" not in label:
            made = official_files(asked.preset, joined(asked.asks, records), label)
            for name, text in made.items():
                write_atomic(path / "official" / label / name, text)
