"""Every option: its section, name, type, default and help."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from unsee.config.texts import as_yaml
from unsee.nouns import ConceptKind, hash_text

Texts = Annotated[tuple[str, ...], Field(strict=False)]
NOT_IDENTITY = ("out", "force", "redact", "attention")


class Section(BaseModel):
    """A group of knobs: strict types, no unknown keys, never changed after it was made."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Data(Section):
    """What the training rows are made of."""

    mixture: Annotated[tuple[int, int, int, int], Field(strict=False)] = Field(
        default=(4, 4, 4, 4),
        description="rows of T1 wrong name, T2 denial, T3 own facts, T4 facts of others; 4,4,4,4 is the "
        "paper's, 9,2,7,7 the released file's",
    )
    anchors: int = Field(default=16, ge=0, description="at most this many rows made from --retain pictures")
    anchors_per_picture: int = Field(default=2, ge=1, description="questions per --retain picture")
    anchor_choice: Literal["random", "near"] = Field(
        default="near",
        description="which --retain pictures are taken when there are more than enough: any, or those for "
        "which the model most nearly says the concept's name",
    )
    alternatives: int = Field(
        default=1, ge=1, le=5, description="other answers per forget question, for methods that prefer them"
    )
    mismatches: int = Field(
        default=1, ge=1, description="answers of random other rows per forget question; LLMU has 5"
    )
    decoupled: int = Field(
        default=0,
        ge=0,
        description="at most this many rows that put a forget question to a --retain picture; 0 = as many as "
        "there are forget questions",
    )
    looks: int = Field(
        default=8, ge=1, description="rows about what can be seen in the picture of the concept"
    )
    retain_rows: int = Field(
        default=0,
        ge=0,
        description="at most this many labelled rows of others, drawn by the seed; 0 = all (mllmu)",
    )
    substitute: Literal["name", "generic", "refusal"] = Field(
        default="name",
        description="what the picture is called instead: another name, a description, a refusal",
    )
    substitute_name: str = Field(default="", description="the other name; empty = chosen by the seed")
    vocabulary: Literal["official", "all_pieces", "first_piece", "prefix_aware"] = Field(
        default="first_piece", description="which tokens of the names the vocabulary mask removes"
    )


class Training(Section):
    """How long and how fast."""

    passes: int = Field(default=6, ge=1, description="passes over the training rows")
    batch: int = Field(default=16, ge=1, description="rows per optimiser step, over all devices together")
    anchors: int = Field(default=16, ge=0, description="rows about other pictures that every step adds")
    lr: float = Field(default=3e-4, gt=0, allow_inf_nan=False, description="learning rate")
    schedule: Literal["cosine", "linear", "constant"] = Field(
        default="cosine", description="learning-rate schedule"
    )
    warmup: float = Field(default=0.03, ge=0, le=1, description="warm-up, as a share of all steps")
    weight_decay: float = Field(default=0.0, ge=0, description="weight decay")
    clip: float = Field(default=1.0, gt=0, description="gradient norm at which gradients are clipped")
    save_every: int = Field(default=10, ge=1, description="steps between two checkpoints")
    probe_every: int = Field(default=5, ge=0, description="steps between two forget/retain probes; 0 = none")
    stop_on_collapse: bool = Field(default=False, description="end the training when a probe finds collapse")
    select: Literal["last", "best"] = Field(
        default="last",
        description="which point of the run is kept: the last, or the best by the probes "
        "(closest to the forget answers without their picture, least retain lost)",
    )
    decoupling: float = Field(
        default=0.0,
        ge=0,
        description="weight of SafeEraser's prompt decoupling, added to any method: the forget questions "
        "about --retain pictures keep their own answers; 0 = off",
    )
    checkpointing: bool | None = Field(
        default=None,
        description="recompute activations, which saves memory; not set = only where they would not fit",
    )
    forward_tokens: int = Field(
        default=8192,
        ge=64,
        description="most tokens in one forward pass; gradients of a step are accumulated over as many "
        "passes as it needs, with the same result",
    )
    quantize: Literal["none", "4bit"] = Field(
        default="none",
        description="keep the frozen base in 4 bits (QLoRA, arXiv 2305.14314); needs a GPU and bitsandbytes",
    )
    shard: bool | None = Field(
        default=None,
        description="in several processes: split the decoder over them (FSDP2); not set = as the "
        "accelerate configuration says",
    )
    report_to: Texts = Field(
        default=(), description="experiment trackers of transformers: tensorboard, trackio, wandb, ..."
    )


class ScopeConfig(Section):
    """Which weights move."""

    parts: Texts = Field(
        default=("language",),
        description="roles that are trained: language, language.mlp[7..13], projector, ...",
    )
    rank: int = Field(default=128, ge=1, description="LoRA rank")
    alpha: int = Field(default=256, ge=1, description="LoRA alpha")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="LoRA dropout; packed rows are exact at 0")
    full: bool = Field(default=False, description="train the weights themselves instead of a LoRA adapter")


class Evaluation(Section):
    """How much is asked."""

    limit: int = Field(default=0, ge=0, description="at most this many questions per split; 0 = all")
    max_new_tokens: int = Field(default=48, ge=1, description="longest reply, in tokens")
    batch: int = Field(default=32, ge=1, description="questions answered at once")


class World(Section):
    """The embedded world: used when no model is given."""

    concept: str = Field(
        default="", description="id of the concept that is forgotten; empty = the default one"
    )
    stage: str = Field(default="base", description="checkpoint that is made to forget")
    retain: Literal["none", "anchors", "others"] = Field(
        default="anchors",
        description="pictures of others to train on: none; anchors (strangers, scenes); others (known too)",
    )
    pictures: int = Field(default=24, ge=1, description="pictures of each sort of others to choose from")
    gold_seed: int = Field(default=0, ge=0, description="which shipped gold model stands beside the result")
    split: Literal["report", "selection"] = Field(
        default="report",
        description="pictures and questions: those of reported figures, or others to choose settings by",
    )


class Mmubench(Section):
    """MMUBench: used by ``unsee evaluate mmubench`` and ``unsee bench mmubench`` only."""

    data: str = Field(
        default="", description="folder of the benchmark; empty = the concepts of the embedded world"
    )
    concepts: Texts = Field(
        default=(), description="ids that this run is about; the matrix sets them; empty = all"
    )
    together: int = Field(
        default=1,
        ge=1,
        description="how many concepts one run forgets, each row with the mask of its own concept",
    )
    sequential: bool = Field(
        default=False,
        description="the concepts of a run are requests that come one after the other, each on top of the "
        "adapters of those before it",
    )
    reading: Literal["corrected", "paper", "released_code"] = Field(
        default="corrected", description="whose definition of the figures is shown first"
    )
    splits: Texts = Field(default=(), description="sets of questions that are asked; empty = all")
    utility: Texts = Field(
        default=(),
        description="files on which target and unlearned model are asked what they can still do: pope=FILE, "
        "mme=FOLDER, vqa=FILE, choices=FILE; several of a kind have a name, vqa-gqa=FILE",
    )
    utility_pictures: Texts = Field(
        default=(), description="pope=FOLDER: where its pictures lie; not given = beside the file"
    )
    judge_url: str = Field(
        default="", description="endpoint that grades replies for G-Eval; empty = the rule judge, offline"
    )
    judge_model: str = Field(
        default="",
        description="model of that endpoint, a dated version; alone: folder of a model that grades",
    )
    pictures: int = Field(default=50, ge=2, description="pictures of each embedded concept")
    questions: int = Field(default=100, ge=4, description="EM questions about each embedded concept")


class Mllmu(Section):
    """MLLMU-Bench: used by ``unsee bench mllmu``, of ``unsee evaluate mllmu`` by ``gold_other`` only."""

    data: str = Field(default="", description="folder of the published files or a hub id; empty = embedded")
    data_revision: str = Field(default="", description="commit, branch or tag of the data on the hub")
    ratio: int = Field(
        default=0, ge=0, description="percent of the people that this run forgets; the matrix sets it"
    )
    modality: Literal["image_text", "text", "both"] = Field(
        default="image_text",
        description="training questions: about the picture, the same by name without it, or both",
    )
    split: Literal["report", "selection"] = Field(
        default="report",
        description="embedded people: those of reported figures, or others to choose settings by",
    )
    protocol: str = Field(default="corrected", description="evaluation protocol, see docs/mllmu_protocols.md")
    limit: int = Field(default=0, ge=0, description="at most so many people per set are asked about; 0 = all")
    controls: bool = Field(
        default=True, description="also ask the target without picture, with another, options alone"
    )
    base: str = Field(
        default="", description="off-the-shelf model that learned none of the people, a floor; empty = none"
    )
    gold_other: str = Field(
        default="",
        description="a second gold model, of another seed: how far two gold models lie apart is the "
        "floor of distances to gold; {ratio} stands for the ratio; empty = none",
    )
    judge_url: str = Field(
        default="", description="endpoint that grades generated answers; empty = key facts"
    )
    judge_model: str = Field(
        default="",
        description="model of that endpoint, a dated version; alone: folder of a model that grades",
    )


class RunConfig(Section):
    """Everything that one run of ``unsee forget`` depends on."""

    preset: str = Field(default="", description="shipped preset; empty = world without a model, else default")
    model: str = Field(
        default="", description="folder or hub id of the model; empty = the embedded tiny model"
    )
    revision: str = Field(default="", description="commit or tag of a hub model; empty = its newest")
    adapter: str = Field(default="", description="adapter that is loaded onto the model first")
    image: Texts = Field(default=(), description="picture of the concept; the first one is trained on")
    name: str = Field(default="", description="name of the concept, as the model would say it")
    alias: Texts = Field(default=(), description="another name of the concept")
    kind: ConceptKind = Field(default="person", description="what the concept is")
    fact: Texts = Field(
        default=(), description='a true statement, or "question? answer"; none = asked from the model'
    )
    looks: str = Field(
        default="", description="how the concept looks, in a few words; empty = asked from the model"
    )
    retain: str = Field(
        default="", description="folder of pictures that do not show the concept, or labelled rows in JSONL"
    )
    test: str = Field(
        default="", description="folder of other pictures of the concept, used for evaluation only"
    )
    gold: str = Field(
        default="",
        description="folder or hub id of a model trained without the concept: a floor in the results, and "
        "the teacher of methods that need one; empty = the shipped one, if there is one",
    )
    method: str = Field(default="siu", description="unlearning method")
    knobs: dict[str, Any] = Field(
        default_factory=dict, description="hyper-parameters of the method, see: unsee list methods NAME"
    )
    data: Data = Data()
    training: Training = Training()
    scope: ScopeConfig = ScopeConfig()
    evaluation: Evaluation = Evaluation()
    world: World = World()
    mmubench: Mmubench = Mmubench()
    mllmu: Mllmu = Mllmu()
    out: str = Field(default="", description="run folder; empty = runs/forget-NAME-HASH")
    seed: int = Field(default=0, ge=0, description="seed of everything random")
    device: str = Field(default="auto", description="auto, cpu, cuda, cuda:1, mps")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto", description="number type of the weights"
    )
    attention: Literal["auto", "sdpa", "flex", "eager"] = Field(
        default="auto",
        description="attention kernel of packs; auto = FlexAttention on CUDA where the family has it, else "
        "sdpa; the receipt says which was used and why",
    )
    redact: bool = Field(
        default=False, description="keep names and pictures of the concept out of the report"
    )
    force: bool = Field(default=False, description="go on although the model does not know the concept")
    trust_remote_code: bool = Field(default=False, description="run Python code that comes with the model")

    @property
    def embedded(self) -> bool:
        """True when the embedded world is used."""
        return not self.model

    @property
    def identity(self) -> str:
        """Hash (hex) of everything that the results depend on: not ``out``, ``force``, ``redact``.

        Nor ``attention``: kernels differ in rounding alone.
        """
        kept = self.model_dump(mode="json", exclude=set(NOT_IDENTITY))
        return hash_text(yaml.safe_dump(kept, sort_keys=True))

    def as_yaml(self) -> str:
        """The resolved configuration; ``parse_yaml`` and ``build`` read it back unchanged."""
        return as_yaml(self.model_dump(mode="json"))
