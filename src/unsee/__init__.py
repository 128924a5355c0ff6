"""unsee: make a vision-language model unsee a person or a concept, and prove it."""

__version__ = "0.1.0"
