"""Two processes on the CPU, connected as a launcher would connect them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple

LONGEST = 300


class Ended(NamedTuple):
    """How a process ended."""

    code: int
    out: str
    err: str


def environment(**more: str) -> dict[str, str]:
    """One thread per process, and our tests can be imported."""
    return {**os.environ, "PYTHONPATH": os.getcwd(), "OMP_NUM_THREADS": "1", **more}


def run_pair(arguments: Sequence[str], **more: str) -> list[Ended]:
    """Runs ``python ARGUMENTS`` twice at the same time, as processes 0 and 1 of 2.

    Args:
        arguments: Of the interpreter.
        more: Further variables of the environment.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    both = [
        subprocess.Popen(
            [sys.executable, *arguments],
            env=environment(**shared, RANK=str(number), LOCAL_RANK=str(number), **more),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    try:
        said = [process.communicate(timeout=LONGEST) for process in both]
    finally:
        for process in both:
            process.kill()
    return [Ended(p.returncode, out, err) for p, (out, err) in zip(both, said, strict=True)]


def both_done(ended: Sequence[Ended]) -> None:
    """Both ended well."""
    for one in ended:
        assert one.code == 0, one.err[-3000:]
