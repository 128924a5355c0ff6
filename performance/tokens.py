"""A byte-level tokenizer learned from the texts of the measurements, filled up to any vocabulary."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from performance.texts import CORPUS

PIECES = 1200


def tokenizer(vocabulary: int, special: Sequence[str], **named: str) -> Any:
    """Pieces learned from our own texts, then pieces that no text uses, up to the vocabulary.

    Args:
        vocabulary: How many ids there are.
        special: Special tokens, which get the last ids.
        named: Their parts, such as ``eos_token``. With ``bos_token`` every text begins with it.
    """
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=PIECES, initial_alphabet=alphabet, show_progress=False)
    raw.train_from_iterator(CORPUS, trainer)
    made = json.loads(raw.to_str())
    pieces: dict[str, int] = made["model"]["vocab"]
    assert len(pieces) + len(special) <= vocabulary, (len(pieces), vocabulary)
    for number in range(len(pieces), vocabulary - len(special)):
        pieces[f"Ġpiece{number}"] = number
    filled = Tokenizer.from_str(json.dumps(made))
    filled.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    begin = named.get("bos_token")
    if begin is not None:
        filled.post_processor = processors.TemplateProcessing(
            single=f"{begin} $A", special_tokens=[(begin, filled.token_to_id(begin))]
        )
    assert filled.get_vocab_size() == vocabulary, filled.get_vocab_size()
    return PreTrainedTokenizerFast(tokenizer_object=filled, **named)
