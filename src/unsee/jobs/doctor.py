"""What is installed, what is missing, and how to get it."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec

EXTRAS = {
    "num2words": ("SmolVLM models", "pip install 'unsee[smolvlm]'"),
    "bitsandbytes": ("models in 4 bits (training.quantize)", "pip install 'unsee[bitsandbytes]'"),
    "tensorboard": ("training.report_to=tensorboard", "pip install 'unsee[tensorboard]'"),
    "trackio": ("training.report_to=trackio", "pip install 'unsee[trackio]'"),
    "wandb": ("training.report_to=wandb", "pip install 'unsee[wandb]'"),
    "ray": ("unsee bench --engine ray", "pip install 'unsee[ray]'"),
    "submitit": ("unsee bench --engine slurm", "pip install 'unsee[slurm]'"),
}


@dataclass(frozen=True)
class Finding:
    """One line of ``unsee doctor``."""

    name: str
    present: bool
    needed: bool
    detail: str
    remedy: str = ""

    def line(self) -> str:
        """The finding as text."""
        mark = "ok     " if self.present else "MISSING" if self.needed else "absent "
        return f"{mark} {self.name}: {self.detail}" + (
            "" if self.present else f"; get it with: {self.remedy}"
        )


def examine() -> list[Finding]:
    """Looks at Python, the packages, the device and the embedded checkpoints; changes nothing."""
    python = Finding("python", True, True, platform.python_version())
    return [python, *_packages(), *_extras(), _device(), *_checkpoints()]


def _packages() -> list[Finding]:
    needed = [text for text in requires("unsee") or () if "extra ==" not in text]
    return [_package(text) for text in sorted(needed)]


def _package(requirement: str) -> Finding:
    name = requirement.split(";")[0].strip()
    bare = name.split(">")[0].split("=")[0].split("<")[0].strip()
    remedy = f"pip install '{name}'"
    try:
        found = version(bare)
    except PackageNotFoundError:
        return Finding(bare, False, True, f"needs {name}", remedy)
    lowest = name.partition(">=")[2].split(",")[0]
    old = bool(lowest) and _numbers(found) < _numbers(lowest)
    return Finding(bare, not old, True, f"{found} (needs {name})" if old else found, remedy)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("+")[0].split(".") if part.isdigit())


def _extras() -> list[Finding]:
    return [
        Finding(name, find_spec(name) is not None, False, f"for {purpose}", remedy)
        for name, (purpose, remedy) in EXTRAS.items()
    ]


def _device() -> Finding:
    import torch

    if torch.cuda.is_available():
        memory = torch.cuda.get_device_properties(0).total_memory / 2**30
        return Finding("device", True, False, f"{torch.cuda.get_device_name(0)}, {memory:.0f} GiB")
    return Finding("device", True, False, f"CPU, {torch.get_num_threads()} threads")


def _checkpoints() -> list[Finding]:
    from unsee.jobs.embedded import STAGES, model_path
    from unsee.nouns import UserError

    findings = []
    for stage in STAGES:
        try:
            path, present = str(model_path(stage)), True
        except UserError as error:
            path, present = error.what, False
        findings.append(
            Finding(f"embedded model {stage}", present, False, path, "pip install --force-reinstall unsee")
        )
    return findings
