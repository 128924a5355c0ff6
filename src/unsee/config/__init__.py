"""The typed configuration of a run: the one source of names, defaults and help.

Three layers, later ones win: the classes below < a preset (``presets/*.yaml``) < the command line.
A ``--config`` file is a command line written down. Unknown keys fail and name the nearest known key.
A preset or a file may hold a section ``methods`` with values for single methods, which win over its others.
"""

from unsee.config.layers import METHODS, build, for_method, merge, preset_names, read_preset, resolve
from unsee.config.names import Key, check_keys, keys, nearest, parse_set
from unsee.config.sections import (
    Data,
    Evaluation,
    Mllmu,
    Mmubench,
    RunConfig,
    ScopeConfig,
    Section,
    Training,
    World,
)
from unsee.config.texts import parse_yaml, read_mapping

__all__ = [
    "METHODS",
    "Data",
    "Evaluation",
    "Key",
    "Mllmu",
    "Mmubench",
    "RunConfig",
    "ScopeConfig",
    "Section",
    "Training",
    "World",
    "build",
    "check_keys",
    "for_method",
    "keys",
    "merge",
    "nearest",
    "parse_set",
    "parse_yaml",
    "preset_names",
    "read_mapping",
    "read_preset",
    "resolve",
]
