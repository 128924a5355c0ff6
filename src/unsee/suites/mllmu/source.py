"""Where the files of MLLMU-Bench are: in a local folder, or on the hub at a fixed revision."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unsee.nouns import UserError
from unsee.suites.mllmu.schema import HUB_ID

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class Source:
    """Files by configuration.

    Attributes:
        root: The folder that holds them.
        files: Parquet files of each configuration that was found, in order.
        revision: Commit on the hub; "" for a local folder.
    """

    root: Path
    files: Mapping[str, tuple[Path, ...]]
    revision: str = ""


def find_files(source: str | Path, configs: Sequence[str], revision: str = "") -> Source:
    """The parquet files of some configurations; a configuration without files is left out.

    Args:
        source: A folder with ``<config>/*.parquet``, ``<config>.parquet`` or ``<config>-*.parquet``; or a
            hub id.
        configs: Names such as "forget_5".
        revision: Branch, tag or commit on the hub; "" = the newest.

    Raises:
        UserError: There is no such folder or repository, or it cannot be reached.
    """
    root, commit = Path(source), ""
    if not root.exists() and _HUB_ID.fullmatch(str(source)):
        root, commit = _download(str(source), configs, revision)
    if not root.is_dir():
        raise UserError(
            "There are no such data.",
            got=source,
            expected=f"a folder of parquet files, or a hub id such as {HUB_ID}",
            remedy="check the path",
        )
    found = {config: _local(root, config) for config in configs}
    return Source(root, {config: files for config, files in found.items() if files}, commit)


def _local(root: Path, config: str) -> tuple[Path, ...]:
    folder = root / config
    if folder.is_dir():
        return tuple(sorted(folder.glob("*.parquet")))
    return tuple(sorted([*root.glob(f"{config}.parquet"), *root.glob(f"{config}-*.parquet")]))


def _download(hub_id: str, configs: Sequence[str], revision: str) -> tuple[Path, str]:
    """The folder of one snapshot, which is named after its commit, with the files of the configurations."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    patterns = [f"{config}/*.parquet" for config in configs]
    try:
        folder = snapshot_download(
            hub_id, repo_type="dataset", revision=revision or None, allow_patterns=patterns
        )
    except (HfHubHTTPError, OSError) as error:
        raise UserError(
            f"The data cannot be had from the hub ({type(error).__name__}).",
            got=f"{hub_id} at {revision or 'the newest revision'}",
            expected="an existing folder, or a public hub id and a working connection",
            remedy="check the spelling; without a connection download the parquet files elsewhere and give "
            "their folder",
        ) from error
    return Path(folder), Path(folder).name
