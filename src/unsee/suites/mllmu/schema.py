"""The published columns of MLLMU-Bench: names, nested types, configurations and files.

Pyarrow is imported when it is needed, so that a suite can be listed without it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

HUB_ID = "MLLMMU/MLLMU-Bench"
FILE = "train-{:05d}-of-{:05d}.parquet"
FULL, TRAINING, TEST, REAL = "Full_Set", "ft_Data", "Test_Set", "Retain_Set"
BASELINES = "baseline_train_split"  # a repository of its own on the hub: training pairs of each split
TEST_FILES = 2
SPLITS_FILE = "splits.json"  # ours, beside the configurations: ids by configuration

CHOICES, GENERATION, CLOZE = "Classification_Task", "Generation_Task", "Mask_Task"
TASKS = (CHOICES, GENERATION, CLOZE)
WITH_PICTURE, WITHOUT_PICTURE = "Image_Textual", "Pure_Text"
CHOICE_LISTS = {WITH_PICTURE: "Image_Textual_Questions", WITHOUT_PICTURE: "Pure_Text_Questions"}

_ABOUT = ("image", "ID", "Directory", "biography", "question", "answer")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "full": (*_ABOUT, *TASKS),
    "split": (*(c for c in _ABOUT if c != "Directory"), *TASKS),
    "test": ("ID", "images", *TASKS),
    "training": ("image", "ID", "metadata"),
    "baseline": (*(c for c in _ABOUT if c != "Directory"), *TASKS, "metadata"),
}
NEEDED: Mapping[str, tuple[str, ...]] = {  # what a file must have to be read
    "split": ("image", "ID", *TASKS),
    "test": ("ID", "images", *TASKS),
    "training": ("metadata",),
}


def forget_config(ratio: int) -> str:
    """Name of the configuration with the forget people."""
    return f"forget_{ratio}"


def retain_config(ratio: int) -> str:
    """Name of the configuration with the others."""
    return f"retain_{100 - ratio}"


_TEXT = {"dtype": "string", "_type": "Value"}
_IMAGE = {"_type": "Image"}
_QUESTION = {
    "Question": _TEXT,
    "Options": dict.fromkeys("ABCD", _TEXT),
    "Correct_Answer": _TEXT,
}
_ITEM = {"Ground_Truth": _TEXT, "Question": _TEXT, "Type": _TEXT}


def _features(columns: tuple[str, ...]) -> dict[str, Any]:
    """The columns as the library ``datasets`` describes them."""
    nested: dict[str, Any] = {
        "image": _IMAGE,
        "images": {"feature": _IMAGE, "_type": "List"},
        CHOICES: {name: {"feature": _QUESTION, "_type": "List"} for name in CHOICE_LISTS.values()},
        GENERATION: {"feature": _ITEM, "_type": "List"},
        CLOZE: {"feature": _ITEM, "_type": "List"},
    }
    return {column: nested.get(column, _TEXT) for column in columns}


def arrow_schema(kind: str) -> Any:
    """The pyarrow schema of one kind of file: full, split, test, training or baseline."""
    import pyarrow as pa

    text = pa.string()
    image = pa.struct([("bytes", pa.binary()), ("path", text)])
    options = pa.struct([(letter, text) for letter in "ABCD"])
    question = pa.struct([("Question", text), ("Options", options), ("Correct_Answer", text)])
    item = pa.struct([("Ground_Truth", text), ("Question", text), ("Type", text)])
    nested = {
        "image": image,
        "images": pa.list_(image),
        CHOICES: pa.struct([(name, pa.list_(question)) for name in CHOICE_LISTS.values()]),
        GENERATION: pa.list_(item),
        CLOZE: pa.list_(item),
    }
    columns = COLUMNS[kind]
    described = json.dumps({"info": {"features": _features(columns)}})
    fields = [(column, nested.get(column, text)) for column in columns]
    return pa.schema(fields, metadata={"huggingface": described})
