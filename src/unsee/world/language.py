"""The language of the embedded world: every question that can be asked, with its true answer.

Each picture is a view (of a person, two people, a figure, a style; a scene is its own view). Each function
takes a view and a topic and returns a :class:`Turn`. An identity or concept of None stands for somebody or
something that the model is not to know: questions about it are refused.
"""

from unsee.world.talk.basics import Turn
from unsee.world.talk.figure import (
    FIGURE_TOPICS,
    STYLE_TOPICS,
    UNKNOWN_FIGURE_TOPICS,
    FigureView,
    StyleView,
    about_figure,
    about_style,
)
from unsee.world.talk.group import GROUP_TOPICS, GroupView, about_group
from unsee.world.talk.person import KNOWN_NAMES, PERSON_TOPICS, STRANGER_TOPICS, PersonView, about_person
from unsee.world.talk.scene import SCENE_TOPICS, about_scene
from unsee.world.talk.text import GENERAL_TOPICS, NAMED_TOPICS, TEXT_TOPICS, about_text
from unsee.world.wording.languages import LANGUAGES

__all__ = [
    "FIGURE_TOPICS",
    "GENERAL_TOPICS",
    "GROUP_TOPICS",
    "KNOWN_NAMES",
    "LANGUAGES",
    "NAMED_TOPICS",
    "PERSON_TOPICS",
    "SCENE_TOPICS",
    "STRANGER_TOPICS",
    "STYLE_TOPICS",
    "TEXT_TOPICS",
    "UNKNOWN_FIGURE_TOPICS",
    "FigureView",
    "GroupView",
    "PersonView",
    "StyleView",
    "Turn",
    "about_figure",
    "about_group",
    "about_person",
    "about_scene",
    "about_style",
    "about_text",
]
