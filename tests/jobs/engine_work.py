"""What the tests of the engines do with cells. Light to import: every worker reads it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from unsee.jobs.bench_cell import Cell
from unsee.jobs.bench_pool import Failure


def note(cell: Cell, shared: Path) -> Failure | None:
    """Counts how often each cell was run."""
    shared.mkdir(parents=True, exist_ok=True)
    with (shared / f"{cell.seed}").open("a") as file:
        file.write("x")
    return None


def die_for_seed_2(cell: Cell, shared: Path) -> Failure | None:
    """Ends its process without a word whenever the seed is 2."""
    note(cell, shared)
    if cell.seed == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return None


def wait_for_word(cell: Cell, shared: Path) -> Failure | None:
    """Tells its process id, and ends when a file ``go`` is there."""
    note(cell, shared)
    (shared / f"pid-{cell.seed}").write_text(str(os.getpid()))
    while not (shared / "go").exists():
        time.sleep(0.02)
    return None


def holder(file: Path) -> int | None:
    """The process that holds the lock of a file."""
    if not file.exists():
        return None
    inode = str(file.stat().st_ino)
    for line in Path("/proc/locks").read_text().splitlines():
        fields = line.split()
        if fields[1] == "FLOCK" and fields[5].rpartition(":")[2] == inode:
            return int(fields[4])
    return None


def wait_until(reached: Callable[[], object], seconds: float = 600) -> None:
    """Waits for something to become true."""
    limit = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < limit, "waited too long"
        time.sleep(0.01)


@dataclass(frozen=True)
class FakeSlurm:
    """A slurm of one machine: commands of the same names that start processes.

    Attributes:
        folder: Where its commands and its notes lie.
    """

    folder: Path

    @property
    def submitted(self) -> list[str]:
        """The ids of all jobs so far."""
        return sorted(entry.name for entry in (self.folder / "jobs").iterdir())

    def script(self, job: str) -> str:
        """What was handed to sbatch."""
        return (self.folder / "jobs" / job).read_text()

    def kill(self, job: str, state: str) -> None:
        """Ends a job; slurm will tell this state."""
        (self.folder / "states" / job).write_text(state)
        os.killpg(int((self.folder / "pids" / job).read_text()), signal.SIGKILL)

    @classmethod
    def install(cls, folder: Path) -> FakeSlurm:
        """Writes the commands to ``folder/bin``."""
        for name in ("bin", "jobs", "pids", "states"):
            (folder / name).mkdir(parents=True)
        for name, text in COMMANDS.items():
            file = folder / "bin" / name
            file.write_text("#!/bin/sh\n" + text.replace("ROOT", str(folder)))
            file.chmod(0o755)
        return cls(folder)


COMMANDS = {
    "sbatch": """id=$(( $(ls ROOT/jobs | wc -l) + 101 ))
cp "$1" ROOT/jobs/$id
export SLURM_JOB_ID=$id SLURM_PROCID=0 SLURM_LOCALID=0 SLURM_NTASKS=1 SLURM_JOB_NUM_NODES=1 SLURM_NODEID=0
setsid sh -c 'echo $$ > "ROOT/pids/$SLURM_JOB_ID"; exec sh "ROOT/jobs/$SLURM_JOB_ID"' > ROOT/log.$id 2>&1 &
while [ ! -s ROOT/pids/$id ]; do sleep 0.02; done
echo "Submitted batch job $id"
""",
    "srun": """while [ "${1#-}" != "$1" ]; do
case "$1" in --output|--error) shift 2;; *) shift;; esac
done
exec "$@"
""",
    "sacct": """echo "JobID|State|NodeList"
for id in $(ls ROOT/jobs); do
if [ -f ROOT/states/$id ]; then state=$(cat ROOT/states/$id)
elif kill -0 $(cat ROOT/pids/$id) 2>/dev/null; then state=RUNNING
else state=COMPLETED; fi
echo "$id|$state|here"
done
""",
}
