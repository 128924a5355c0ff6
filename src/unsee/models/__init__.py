"""Models: load a vision-language model, know its parts, turn conversations into token ids, adapt it."""
