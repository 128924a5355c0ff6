"""How the field lays the same work out, restated from scratch on stock transformers.

One row per text with its own copy of the picture, padded to the longest; logits at every position; a second
model as the reference; one question at a time. Only the layout is restated: losses, masks and texts are the
same on both sides, so that the outcomes can be compared number by number.
"""
