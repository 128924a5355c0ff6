"""A vision-language model: loaded from a folder or the Hugging Face hub, or wrapped from memory.

Everything is checked before weights are read: the folder, that it is a model which reads pictures, and that
its weights are safetensors. Hub models become a local snapshot first and are then treated as any folder, so
the network is never asked for a local model.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from peft import PeftModel
from torch import Tensor
from transformers import AutoConfig, AutoModelForImageTextToText, BitsAndBytesConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

from unsee.models.chat import Chat, chat_of
from unsee.models.fingerprint import hash_files, hash_model
from unsee.models.processes import launched, own_card
from unsee.models.processors import load_processor
from unsee.models.roles import PEFT_PREFIX, Roles, find_roles
from unsee.nouns import Picture, UserError

if TYPE_CHECKING:
    from unsee.models.adapters import Scope
    from unsee.models.hooks import Hook

Source = Literal["folder", "hub", "memory"]
Attention = Literal["auto", "sdpa", "flex", "eager"]
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
DOWNLOAD = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja")
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
EXPECTED = "a folder or hub id of a vision-language model with safetensors weights"


@dataclass
class VLM:
    """A model with everything that belongs to it.

    Attributes:
        model: The transformers model, or a ``PeftModel`` around it.
        processor: Its processor.
        name: Folder, hub id or a name of the user's choice.
        revision: Commit hash of a hub model, else empty.
        roles: Which module is which, by full path.
        chat: Text and pictures to token ids.
        weights_hash: Fingerprint of the base weights (see ``models.fingerprint``).
        source: Where the model came from.
        scope: What is trained, after ``adapters.attach`` or ``adapters.load_adapter``.
        originals: Base values of parameters trained or edited as such, by their name in the plain model;
            empty with LoRA alone. They may stand beside LoRA.
        hook: What acts when the model answers and changes no weight (see ``models.hooks``).
        attention: Which attention kernel packs may use (see ``packs.attention``).
    """

    model: Any
    processor: Any
    name: str
    revision: str
    roles: Roles
    chat: Chat
    weights_hash: str
    source: Source
    scope: Scope | None = None
    originals: Mapping[str, Tensor] = field(default_factory=dict, repr=False)
    hook: Hook | None = None
    attention: Attention = "auto"

    @property
    def tokenizer(self) -> Any:
        """The processor's tokenizer."""
        return self.processor.tokenizer

    @property
    def base(self) -> Any:
        """The transformers model itself, without the wrapper of PEFT (its adapter layers stay in place)."""
        return self.model.get_base_model() if isinstance(self.model, PeftModel) else self.model

    @property
    def device(self) -> torch.device:
        """Where the model's first parameter lies."""
        found: torch.device = next(self.model.parameters()).device
        return found

    @property
    def dtype(self) -> torch.dtype:
        """Type of the model's input embeddings."""
        return self.base.get_input_embeddings().weight.dtype  # type: ignore[no-any-return]

    def route(self, picture: Picture | None) -> str:
        """Which way the hook sends rows about a picture; rows of different routes never share a pass."""
        return "" if self.hook is None else self.hook.route(self, picture)

    def adapter_off(self) -> AbstractContextManager[None]:
        """Inside, the model computes exactly what the base computes.

        With LoRA the adapter is switched off; with full training the original weights are put in place of the
        trained ones for the time being; a hook is taken off. Not for a backward pass that began outside.
        """
        if self.hook is not None:
            return self._hook_away(self.hook)
        if isinstance(self.model, PeftModel) and not self.originals:
            return self.model.disable_adapter()  # type: ignore[no-any-return]
        return self._originals_in_place() if self.originals else contextlib.nullcontext()

    @contextlib.contextmanager
    def _hook_away(self, hook: Hook) -> Iterator[None]:
        chat = self.chat
        self.hook, self.chat = None, hook.remove(self).chat
        try:
            yield
        finally:
            self.hook, self.chat = hook, chat

    @contextlib.contextmanager
    def _originals_in_place(self) -> Iterator[None]:
        named = {name.removeprefix(PEFT_PREFIX): p for name, p in self.model.named_parameters()}
        trained = {name: named[name] for name in self.originals}
        values = {name: parameter.data for name, parameter in trained.items()}
        lora = self.model.disable_adapter() if isinstance(self.model, PeftModel) else contextlib.nullcontext()
        try:
            for name, parameter in trained.items():
                parameter.data = self.originals[name]
            with lora:
                yield
        finally:
            for name, parameter in trained.items():
                parameter.data = values[name]


def wrap(model: Any, processor: Any, *, name: str = "memory") -> VLM:
    """A VLM from a model and processor in memory.

    Args:
        model: A transformers vision-language model, not wrapped by PEFT.
        processor: Its processor, with a chat template and a fast tokenizer.
        name: How records and reports call it.

    Raises:
        UserError: The model has no vision tower, or the processor cannot be used.
    """
    return _assemble(
        model, processor, name=name, revision="", source="memory", weights_hash=hash_model(model)
    )


def load(
    model: str | Path,
    *,
    revision: str | None = None,
    adapter: str | Path | None = None,
    device: str = "auto",
    dtype: str = "auto",
    trust_remote_code: bool = False,
    four_bits: bool = False,
    attention: Attention = "auto",
) -> VLM:
    """A VLM from a local folder or a hub id.

    Args:
        model: Folder or hub id.
        revision: Branch, tag or commit of a hub model; the commit found is recorded in ``VLM.revision``.
        adapter: Folder written by ``adapters.save_adapter``, or any PEFT adapter; checked.
        device: "auto" (CUDA if there is one, else CPU), "cpu", "cuda", "cuda:1", "mps".
        dtype: "auto" (bfloat16 on CUDA, else float32), "float32", "bfloat16", "float16".
        trust_remote_code: Whether code that comes with the model may run. Off: such a model is refused.
        four_bits: Keep linear layers in 4 bits through bitsandbytes; only adapters can then be trained.
        attention: "auto" (FlexAttention for packs on CUDA where the family has it, else sdpa), "sdpa", "flex"
            or "eager".

    Raises:
        UserError: The model, the adapter, the device or the type cannot be used; nothing was loaded.
    """
    where = choose_device(device)
    kind = choose_dtype(dtype, where)
    quantisation = _four_bits(kind, where) if four_bits else {}
    folder, source = _locate(model, revision, trust_remote_code)
    files = _check_folder(folder, model)
    config = _check_config(folder, model, trust_remote_code)
    processor = _open_processor(folder, config, model, trust_remote_code)
    loaded = AutoModelForImageTextToText.from_pretrained(
        str(folder),
        config=config,
        dtype=kind,
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=trust_remote_code,
        **({"attn_implementation": "eager"} if attention == "eager" else {}),
        **quantisation,
    )
    vlm = _assemble(
        (loaded if four_bits else loaded.to(where)).eval(),
        processor,
        name=str(model),
        revision=folder.name if source == "hub" else "",
        source=source,
        weights_hash=hash_files(files),
    )
    vlm.attention = attention
    if adapter is None:
        return vlm
    from unsee.models.adapters import load_adapter  # adapters imports VLM from here

    return load_adapter(vlm, adapter)


def choose_device(device: str) -> torch.device:
    """The device for "auto", "cpu", "cuda" ...; with a launcher, each process has a card of its own.

    Raises:
        UserError: No such device here.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and launched() > 1:
        device = own_card(device)
    try:
        found: torch.device = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError) as error:
        raise UserError(
            "no such device",
            got=device,
            expected="auto, cpu, cuda, cuda:N or mps",
            remedy="use --device auto",
        ) from error
    return found


def choose_dtype(dtype: str, device: torch.device) -> torch.dtype:
    """The number type for "auto", "float32" ...; "auto" is bfloat16 on CUDA and float32 elsewhere.

    Raises:
        UserError: Unknown name.
    """
    if dtype == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    if dtype not in DTYPES:
        raise UserError(
            "unknown number type",
            got=dtype,
            expected="auto, " + ", ".join(DTYPES),
            remedy="use --dtype auto",
        )
    return DTYPES[dtype]


def _four_bits(kind: torch.dtype, device: torch.device) -> dict[str, Any]:
    """What ``from_pretrained`` is told for 4-bit weights (NF4, arXiv 2305.14314).

    Raises:
        UserError: bitsandbytes is not installed.
    """
    if find_spec("bitsandbytes") is None:
        raise UserError(
            "4-bit weights need bitsandbytes, which is not installed",
            got="training.quantize=4bit",
            expected="the package bitsandbytes",
            remedy="pip install 'unsee[bitsandbytes]', or leave training.quantize at none",
        )
    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=kind,
        bnb_4bit_use_double_quant=True,
    )
    return {"quantization_config": config, "device_map": {"": device}}


def _assemble(
    model: Any, processor: Any, *, name: str, revision: str, source: Source, weights_hash: str
) -> VLM:
    roles = find_roles(model)
    chat = chat_of(processor, model.config, model.generation_config)
    return VLM(model, processor, name, revision, roles, chat, weights_hash, source)


def _locate(
    model: str | Path,
    revision: str | None,
    trust_remote_code: bool,
    patterns: Sequence[str] = DOWNLOAD,
) -> tuple[Path, Source]:
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder, "folder"
    if isinstance(model, Path) or folder.exists() or str(model).startswith((".", "/", "~")):
        raise UserError(
            "no such model folder", got=model, expected=EXPECTED, remedy="check the path of the folder"
        )
    wanted = [*patterns, "*.py"] if trust_remote_code else list(patterns)
    try:
        path = snapshot_download(
            str(model), revision=revision, allow_patterns=wanted, ignore_patterns=["*/*"]
        )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(
            f"the model is neither a folder here nor can it be had from the hub ({reason})",
            got=model if revision is None else f"{model} at {revision}",
            expected=EXPECTED,
            remedy="check the spelling and the network, log in with `hf auth login` for a gated model, "
            "or download it first and give the folder",
        ) from error
    return Path(path), "hub"


def model_files(folder: Path) -> list[Path]:
    """The weight files of a model's folder; a ``UserError`` where it is none."""
    return _check_folder(_locate(folder, None, trust_remote_code=False)[0], folder)


def _check_folder(folder: Path, model: str | Path) -> list[Path]:
    """The weight files, after checking that the folder is a model with safetensors weights."""
    if not (folder / "config.json").is_file():
        adapter = (folder / "adapter_config.json").is_file()
        raise UserError(
            "the folder is an adapter, not a model" if adapter else "the folder is not a model",
            got=model,
            expected=EXPECTED + " (a folder with config.json)",
            remedy="give the base model here and this folder as the adapter" if adapter else "check the path",
        )
    files = sorted(folder.glob("*.safetensors"))
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        named = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        missing = sorted(named - {file.name for file in files})
        if missing:
            raise UserError(
                "weight files are missing",
                got=", ".join(missing),
                expected=f"all {len(named)} files named in {index.name}",
                remedy="copy or download the model again",
            )
        return [folder / name for name in sorted(named)]
    if not files:
        pickles = sorted(f.name for pattern in PICKLES for f in folder.glob(pattern))
        raise UserError(
            "the weights are only there as pickle, which can run code when opened"
            if pickles
            else "the model has no weights",
            got=", ".join(pickles) or model,
            expected="*.safetensors",
            remedy="convert the weights to safetensors (save_pretrained in transformers 5 writes them) "
            "or take another revision of the model",
        )
    return files


def _check_config(folder: Path, model: str | Path, trust_remote_code: bool) -> Any:
    try:
        config = AutoConfig.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=trust_remote_code
        )
    except (ValueError, OSError, KeyError) as error:
        raise UserError(
            f"the model's config.json is not understood ({str(error).strip().splitlines()[0]})",
            got=model,
            expected=EXPECTED,
            remedy="update transformers, or, for a model that brings its own code which you trust, "
            "allow it with trust_remote_code",
        ) from error
    own_code = trust_remote_code and "AutoModelForImageTextToText" in getattr(config, "auto_map", {})
    if type(config) not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING and not own_code:
        raise UserError(
            "the model does not read pictures",
            got=f"{model} (model_type {config.model_type})",
            expected=EXPECTED,
            remedy="give a model such as LLaVA, Qwen2.5-VL, Idefics3 or SmolVLM",
        )
    return config


def _open_processor(folder: Path, config: Any, model: str | Path, trust_remote_code: bool) -> Any:
    try:
        return load_processor(folder, config.model_type, trust_remote_code=trust_remote_code)
    except (ValueError, OSError, ImportError, TypeError, KeyError) as error:
        raise UserError(
            f"the model's processor cannot be loaded ({str(error).strip().splitlines()[0]})",
            got=model,
            expected="a folder with tokenizer and processor files beside the weights",
            remedy="save the processor into the model's folder (processor.save_pretrained); "
            "SmolVLM also needs `pip install unsee[smolvlm]`",
        ) from error
