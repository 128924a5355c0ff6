"""The processor of the embedded model: a byte-level tokenizer and a CLIP image processor.

The tokenizer learns from sentences of the embedded world in which every name, known or unknown, is replaced
by one of a third list. So known and unknown names are cut into pieces alike, and the number of pieces does
not tell who is known.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlavaProcessor, PreTrainedTokenizerFast
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from unsee.world import concepts, figures, looks, names, people, scenes, styles
from unsee.world.language import (
    FIGURE_TOPICS,
    GENERAL_TOPICS,
    GROUP_TOPICS,
    LANGUAGES,
    NAMED_TOPICS,
    PERSON_TOPICS,
    SCENE_TOPICS,
    STYLE_TOPICS,
    FigureView,
    GroupView,
    PersonView,
    StyleView,
    Turn,
    about_figure,
    about_group,
    about_person,
    about_scene,
    about_style,
    about_text,
)

VOCABULARY = 2000
PAD, USER, ASSISTANT, END, IMAGE = "<pad>", "<|user|>", "<|assistant|>", "<|end|>", "<image>"
CHAT_TEMPLATE = (
    "{% for m in messages %}"
    "{% if m['role'] == 'user' %}{{ '<|user|>' }}"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}"
    "{% for c in m['content'] %}{% if c['type'] == 'image' %}{{ '<image>' }}"
    "{% elif c['type'] == 'text' %}{{ c['text'] }}{% endif %}{% endfor %}{% endif %}{{ '<|end|>' }}"
    "{% elif m['role'] == 'assistant' %}{{ '<|assistant|>' }}{% generation %}"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}"
    "{% for c in m['content'] %}{% if c['type'] == 'text' %}{{ c['text'] }}{% endif %}{% endfor %}{% endif %}"
    "{{ '<|end|>' }}{% endgeneration %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
_SENTENCES = 24_000
_WORD_REPEATS, _NAME_REPEATS = 400, 20


def whole_words() -> tuple[str, ...]:
    """Words that must be one token each: all values of attributes and facts, towns, companies, numbers."""
    values = [
        *(
            v
            for table in (looks.ATTRIBUTES, looks.NUISANCES, styles.STYLE_ATTRIBUTES)
            for vs in table.values()
            for v in vs
        ),
        *(v for table in figures.FIGURE_ATTRIBUTES.values() for vs in table.values() for v in vs),
        *(
            v
            for table in (people.FACT_VALUES, concepts.CONCEPT_FACT_VALUES)
            for vs in table.values()
            for v in vs
        ),
        *scenes.SHAPES,
        *scenes.POSITIONS,
        *names.CAPITALS,
        *names.NUMBERS,
    ]
    words = (word for value in values for word in value.replace("-", " ").split())
    return tuple(dict.fromkeys(words))


class _Speaker:
    """Says random true sentences about people and things with made-up names of the third list."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.names = (*names.SPELLING_NAMES, *names.SPELLING_WORDS)
        self.people = (*people.CELEBRITIES, *people.PRIVATE)

    def _person(self) -> people.Identity:
        name, alias = self.rng.choice(names.SPELLING_NAMES), self.rng.choice(names.SPELLING_WORDS)
        return replace(self.rng.choice(self.people), name=name, alias=alias)

    def _concept(self, style: bool) -> concepts.WorldConcept:
        among = [c for c in concepts.CONCEPTS if (c.style is not None) == style]
        name, alias = self.rng.sample(names.SPELLING_WORDS, 2)
        return replace(self.rng.choice(among), name=name, alias=alias)

    def _view(self) -> PersonView:
        person = self._person()
        assert person.look is not None
        return PersonView(person, person.look, looks.random_setting(self.rng))

    def _figure(self) -> FigureView:
        concept = self._concept(style=False)
        assert concept.figure is not None
        return FigureView(concept, concept.figure, figures.random_figure_setting(self.rng))

    def turn(self, i: int) -> Turn | None:
        """A turn of one of ten sorts, chosen by ``i``."""
        rng, known = self.rng, self.names
        language = rng.choice(LANGUAGES) if rng.random() < 0.35 else "en"
        match i % 10:
            case 0 | 1 | 2:
                topic = rng.choice(PERSON_TOPICS)
                return about_person(
                    self._view(), topic, rng, language=language, known_names=known, unknown_names=known
                )
            case 3 | 4:
                topic = rng.choice(FIGURE_TOPICS)
                view = self._figure()
                return about_figure(
                    view, topic, rng, language=language, known_names=known, unknown_names=known
                )
            case 5:
                concept = self._concept(style=True)
                styled = StyleView(concept, concept.style, self._view())
                return about_style(
                    styled, rng.choice(STYLE_TOPICS), rng, known_names=known, unknown_names=known
                )
            case 6:
                scene = scenes.random_scene(rng)
                return about_scene(
                    scene, rng.choice(SCENE_TOPICS), rng, known_names=known, unknown_names=known
                )
            case 7:
                group = GroupView(self._view(), self._view())
                return about_group(
                    group, rng.choice(GROUP_TOPICS), rng, known_names=known, unknown_names=known
                )
            case 8:
                who = rng.choice((self._person(), self._concept(rng.random() < 0.3), None))
                topic = rng.choice(NAMED_TOPICS)
                return about_text(
                    topic, rng, identity=who, language=language, known_names=known, unknown_names=known
                )
            case _:
                return about_text(rng.choice(GENERAL_TOPICS), rng, known_names=known, unknown_names=known)


def corpus(seed: int = 3, sentences: int = _SENTENCES) -> Iterator[str]:
    """The text that the tokenizer is trained on; no known and no unknown name occurs in it."""
    speaker = _Speaker(seed)
    for i in range(sentences):
        turn = speaker.turn(i)
        if turn is not None:
            yield turn.prompt
            yield turn.answer
    for name in (*names.SPELLING_NAMES, *names.SPELLING_WORDS):
        yield " ".join([name] * _NAME_REPEATS)
    for word in whole_words():
        yield " ".join([word] * _WORD_REPEATS)


def train_tokenizer(vocabulary: int = VOCABULARY, sentences: int = _SENTENCES) -> Tokenizer:
    """A byte-level BPE with a space before every first word; deterministic.

    There is no post-processor: the byte-level one would cut the first letter behind a special token off the
    offsets.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, USER, ASSISTANT, END, IMAGE],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus(sentences=sentences), trainer)
    return tokenizer


def build_processor(size: int = 80, patch: int = 10, vocab: int = VOCABULARY) -> LlavaProcessor:
    """The processor of the embedded model.

    Args:
        size: Side of a picture in pixels.
        patch: Side of a patch in pixels; ``size`` is a multiple of it.
        vocab: Number of tokens.

    Returns:
        A stock ``LlavaProcessor``; ``save_pretrained`` and ``AutoProcessor.from_pretrained`` work.
    """
    assert size % patch == 0, (size, patch)
    tokenizer: Any = PreTrainedTokenizerFast(
        tokenizer_object=train_tokenizer(vocab),
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=[IMAGE, USER, ASSISTANT],
        padding_side="left",
    )
    square = {"height": size, "width": size}
    image_processor = CLIPImageProcessorPil(
        size=square, crop_size=square, do_center_crop=False, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    return LlavaProcessor(
        image_processor=image_processor,
        tokenizer=tokenizer,
        patch_size=patch,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=CHAT_TEMPLATE,
        image_token=IMAGE,
    )
