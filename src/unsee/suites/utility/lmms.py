"""Our models inside lmms-eval, for GQA, VQAv2, VizWiz, ScienceQA, TextVQA, POPE, MMBench, MM-Vet and others.

    from lmms_eval.evaluator import simple_evaluate
    results = simple_evaluate(model=lmms_model(vlm, "unlearned"), tasks=["pope", "gqa_lite"])

lmms-eval is an extra of many dependencies and is imported when :func:`lmms_model` is called, not before. It
downloads what it asks; ``pope``, ``mme``, ``vqa`` and ``choices`` of this folder read local files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from unsee.answering import answer, score
from unsee.models.load import VLM
from unsee.models.pictures import from_image
from unsee.nouns import Picture, Question, UserError
from unsee.packs.cost import Cost

LONGEST_REPLY = 1024  # where a task does not say


def lmms_model(vlm: VLM, name: str, *, batch_size: int = 16, cost: Cost | None = None) -> Any:
    """An ``lmms`` of lmms-eval that answers with a model of ours.

    Log-likelihoods are sums over the tokens of the continuation, its end of turn left out; whether it is
    greedy is read at the same positions.

    Args:
        vlm: The model, adapter and all.
        name: What it is called; lmms-eval's own cache of replies goes by this name, so no two models may
            share one.
        batch_size: Questions decoded together.
        cost: Counters to add to.

    Returns:
        An object for ``simple_evaluate(model=...)``, of the simple kind (``doc_to_visual``).

    Raises:
        UserError: lmms-eval is not installed.
    """
    try:
        base: Any = import_module("lmms_eval.api.model").lmms
    except ImportError as error:
        raise UserError(
            "lmms-eval is not installed",
            got=error,
            expected="the package lmms-eval",
            remedy="pip install 'unsee[lmms]', or use the local suites pope, mme, vqa and choices",
        ) from error

    class Bridge(base):  # type: ignore[misc]
        is_simple = True

        def __init__(self) -> None:
            self.model_name = name  # before the base, which names its cache by it
            self.batch_size = batch_size
            super().__init__()

        def generate_until(self, requests: Sequence[Any]) -> list[str]:
            return _generate(vlm, [request.args for request in requests], self.task_dict, batch_size, cost)

        def loglikelihood(self, requests: Sequence[Any]) -> list[tuple[float, bool]]:
            return _loglikelihood(vlm, [request.args for request in requests], self.task_dict, cost)

        def generate_until_multi_round(self, requests: Sequence[Any]) -> list[str]:
            raise UserError(
                "the task asks in several rounds",
                got=f"{len(requests)} requests",
                expected="a task of single questions",
                remedy="leave the task out",
            )

    return Bridge()


_Args = tuple[Any, ...]
_Tasks = Mapping[str, Mapping[str, Any]]


def _generate(
    vlm: VLM, requests: Sequence[_Args], tasks: _Tasks, batch_size: int, cost: Cost | None
) -> list[str]:
    """Greedy replies in order; requests of one length limit are decoded together."""
    found = [""] * len(requests)
    by_length: dict[int, list[int]] = {}
    for i, (_, settings, *_) in enumerate(requests):
        by_length.setdefault(_length(settings), []).append(i)
    for length, places in by_length.items():
        asked = [_question(vlm, i, requests[i][0], _picture(requests[i], tasks)) for i in places]
        replies = answer(vlm, asked, max_new_tokens=length, batch_size=batch_size, cost=cost)
        for i, reply in zip(places, replies, strict=True):
            found[i] = _cut(reply.text, requests[i][1].get("until"))
    return found


def _length(settings: Mapping[str, Any]) -> int:
    """The length limit of a request; what asks for more than greedy decoding is refused."""
    drawn = bool(settings.get("do_sample")) and (settings.get("temperature") or 0) > 0
    if drawn or (settings.get("num_beams") or 1) > 1:
        raise UserError(
            "the task does not decode greedily",
            got=dict(settings),
            expected="do_sample=False and num_beams=1",
            remedy="give gen_kwargs='temperature=0,do_sample=False,num_beams=1' to simple_evaluate",
        )
    return int(settings.get("max_new_tokens") or LONGEST_REPLY)


def _cut(text: str, until: str | Sequence[str] | None) -> str:
    """The reply before the first stop string."""
    for stop in [until] if isinstance(until, str) else until or []:
        text = text.split(stop)[0] if stop else text
    return text


def _loglikelihood(
    vlm: VLM, requests: Sequence[_Args], tasks: _Tasks, cost: Cost | None
) -> list[tuple[float, bool]]:
    pairs = []
    for args in requests:
        context, target = args[:2]
        wanted = target if isinstance(target, str) else target(_doc(args, tasks))
        pairs.append((_plain(vlm, context), str(wanted).strip(), _picture(args, tasks)))
    return [
        (
            sum(lp for lp, is_text in zip(s.logprobs, s.text, strict=True) if is_text),
            all(best for best, is_text in zip(s.best, s.text, strict=True) if is_text),
        )
        for s in score(vlm, pairs, statistics=True, cost=cost)
    ]


def _doc(args: _Args, tasks: _Tasks) -> Any:
    """The row of the task's data; a request ends with (doc_to_visual, doc_id, task, split)."""
    _, doc_id, task, split = args[-4:]
    return tasks[task][split][doc_id]


def _picture(args: _Args, tasks: _Tasks) -> Picture | None:
    visuals = args[-4](_doc(args, tasks)) or []
    if len(visuals) > 1 or not all(hasattr(v, "convert") for v in visuals):
        raise UserError(
            "the task shows more than one still picture",
            got=f"{len(visuals)} of {', '.join(type(v).__name__ for v in visuals[:3])} in {args[-2]}",
            expected="at most one picture per question",
            remedy="leave the task out",
        )
    return from_image(visuals[0]) if visuals else None


def _question(vlm: VLM, number: int, context: str, picture: Picture | None) -> Question:
    return Question(str(number), _plain(vlm, context), "open", picture)


def _plain(vlm: VLM, context: str) -> str:
    """The prompt without placeholders of pictures: the chat template sets them itself."""
    return context.replace(vlm.chat.image_token, " ").replace("<image>", " ").strip()
