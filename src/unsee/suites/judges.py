"""A model of one's own as a judge of replies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from unsee.answering import answer
from unsee.metrics.judge_cache import keep, kept, place
from unsee.metrics.judge_endpoint import LONGEST_REPLY
from unsee.models.fingerprint import hash_files
from unsee.models.load import VLM, load, model_files
from unsee.nouns import Question

BATCH = 16  # questions decoded together, and kept together


@dataclass
class LocalModel:
    """A model in a folder that is asked in words only, greedily; every answer is kept on disk.

    It is loaded with the first question that has no answer yet, beside the model that is judged, and should
    be another one.

    Attributes:
        folder: Where it lies.
        cache: Folder of the answers.
        longest_reply: Most tokens of an answer.
        device: As for ``models.load.load``.
        dtype: As for ``models.load.load``.
    """

    folder: Path
    cache: Path
    longest_reply: int = LONGEST_REPLY
    device: str = "auto"
    dtype: str = "auto"

    def check(self) -> None:
        """Refuses what is no model.

        Raises:
            UserError: No such folder, or no weights in it.
        """
        model_files(self.folder)

    @cached_property
    def weights(self) -> str:
        """Hash (hex) of its weights."""
        return hash_files(model_files(self.folder))

    @property
    def name(self) -> str:
        """The folder's name and the beginning of the hash of its weights."""
        return f"{self.folder.name} {self.weights[:8]}"

    def ask(self, prompts: Sequence[str]) -> list[str]:
        """Its texts, in order, from disk where they are there."""
        files = [self._file(prompt) for prompt in prompts]
        missing = [(p, f) for p, f in dict(zip(prompts, files, strict=True)).items() if not f.is_file()]
        for start in range(0, len(missing), BATCH):
            part = missing[start : start + BATCH]
            said = asked(self._vlm, [p for p, _ in part], self.longest_reply)
            for (_, file), text in zip(part, said, strict=True):
                keep(file, self.name, text)
        return [kept(file) or "" for file in files]

    def _file(self, prompt: str) -> Path:
        return place(self.cache, self.weights, str(self.longest_reply), prompt)

    @cached_property
    def _vlm(self) -> VLM:
        return load(self.folder, device=self.device, dtype=self.dtype)


def asked(vlm: VLM, prompts: Sequence[str], longest_reply: int) -> list[str]:
    """What a model replies to prompts in words only; its image token in a prompt is no picture."""
    plain = [prompt.replace(vlm.chat.image_token, " ") for prompt in prompts]
    questions = [Question(f"judge{i}", prompt, "open") for i, prompt in enumerate(plain)]
    replies = answer(vlm, questions, max_new_tokens=longest_reply, batch_size=BATCH)
    return [reply.text for reply in replies]
