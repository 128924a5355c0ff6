"""A tiny random model of every supported family, one file each: ``processor()``, ``model(processor)``."""

FAMILIES = (
    "llava",
    "llava_next",
    "llava_onevision",
    "qwen2_vl",
    "qwen2_5_vl",
    "qwen3_vl",
    "idefics2",
    "idefics3",
    "smolvlm",
    "paligemma",
    "gemma3",
    "internvl",
    "pixtral",
    "mistral3",
    "mllama",
    "qwen3_5",
)
