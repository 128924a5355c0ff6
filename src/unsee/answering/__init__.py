"""Replies and likelihoods: batched, with the prefix of a picture computed once for all its questions."""

from unsee.answering.generate import answer, answer_rows
from unsee.answering.sampling import Sampling
from unsee.answering.score import TokenScores, choose, next_tokens, score

__all__ = ["Sampling", "TokenScores", "answer", "answer_rows", "choose", "next_tokens", "score"]
