"""MLLMU-Bench by hand: rows as plain dictionaries, saved as parquet without any code of ours."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

Row = dict[str, Any]
FORGET, KEPT = ("010", "016"), ("001", "002", "003")


def png(shade: int, size: int = 6) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (size, size), (shade, 2 * shade % 256, 7)).save(buffer, "PNG")
    return buffer.getvalue()


def choice(n: int, who: str) -> Row:
    options = {"A": f"red {n}", "B": f"blue {n}", "C": f"green {n}", "D": f"grey {n}"}
    return {"Question": f"Which color {n} has {who}?", "Options": options, "Correct_Answer": "ABCD"[n % 4]}


def items(kind: str, gap: str) -> list[Row]:
    return [
        {"Ground_Truth": f"{kind} truth {n}", "Question": f"{kind} {n} of {sort}{gap}", "Type": sort}
        for sort in ("Image_Textual", "Pure_Text")
        for n in range(2)
    ]


def row(key: str) -> Row:
    return {
        "image": {"bytes": png(int(key) % 250), "path": f"{key}.png"},
        "ID": key,
        "biography": json.dumps({"Name": f"Name {key}", "appearance_detail": {"question": "Looks?"}}),
        "question": "Describe.",
        "answer": f"Face {key}.",
        "Classification_Task": {
            "Image_Textual_Questions": [choice(n, "this person") for n in range(5)],
            "Pure_Text_Questions": [choice(n, f"Name {key}") for n in range(5)],
        },
        "Generation_Task": items("generation", "?"),
        "Mask_Task": items("mask", " is __."),
    }


def altered_row(key: str) -> Row:
    base = row(key)
    tasks = {name: base[name] for name in ("Classification_Task", "Generation_Task", "Mask_Task")}
    images = [{"bytes": png(100 + n, 5), "path": f"{key}_pose{n}_gen1.png"} for n in (1, 2)]
    return {"ID": key, "images": images, **tasks}


def training_row(key: str, *, with_id: bool = False) -> Row:
    pairs = [{"ID": key, "Question": f"Q{n} {key}?", "Answer": f"A{n} {key}."} for n in range(14)]
    named = {"ID": key} if with_id else {}
    return {"image": {"bytes": png(1), "path": None}, "metadata": json.dumps(pairs), **named}


def save(folder: Path, config: str, rows: list[Row], *, group: int = 2) -> Path:
    file = folder / config / "train-00000-of-00001.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), file, row_group_size=group)
    return file


def save_all(folder: Path) -> Path:
    """A small benchmark at 5 %: two people to forget, three to keep, one celebrity."""
    everybody = (*KEPT, *FORGET)
    save(folder, "Full_Set", [{**row(k), "Directory": "d"} for k in everybody])
    save(folder, "Test_Set", [altered_row(k) for k in reversed(everybody)])
    save(folder, "Retain_Set", [{**row("777"), "Directory": "d"}])
    save(folder, "forget_5", [row(k) for k in FORGET])
    save(folder, "retain_95", [row(k) for k in KEPT])
    save(folder, "ft_Data", [training_row(k) for k in everybody])
    return folder
