"""Drawing people: one portrait, or two people side by side."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PIL import Image

from unsee.world.canvas import (
    CANVAS,
    COLORS,
    RGB,
    Brush,
    Pixels,
    Point,
    background,
    ink_for,
    luminance,
    new_layer,
    photograph,
    posed,
    shade,
    star,
)
from unsee.world.looks import EYE_COLORS, HAIR_COLORS, SKIN_COLORS, Look, Setting

_BALD_BROWS: RGB = (112, 92, 80)
_TEAR: RGB = (70, 185, 255)
_TATTOO: RGB = (160, 30, 210)
_SIDES = (-1, 1)


@dataclass(frozen=True)
class _Head:
    """One face on the canvas: centre ``x, y``, half sizes ``w, h``, features centred on ``fx``."""

    brush: Brush
    look: Look
    setting: Setting
    x: float
    y: float
    w: float
    h: float
    fx: float

    @property
    def skin(self) -> RGB:
        return SKIN_COLORS[self.look.skin]

    @property
    def hair(self) -> RGB:
        return _BALD_BROWS if self.look.hair_style == "bald" else HAIR_COLORS[self.look.hair_color]

    @property
    def hair_edge(self) -> RGB:
        hair = self.hair
        return shade(hair, 0.55) if luminance(hair) > 60 else (95, 92, 105)

    @property
    def dark_skinned(self) -> bool:
        return self.look.skin in ("dark", "brown")

    @property
    def eye_x(self) -> float:
        return self.w * 0.43 * self.look.geometry.eye_spacing

    @property
    def eye_y(self) -> float:
        return self.y - self.h * (0.1 + self.look.geometry.eye_height)

    @property
    def eye_r(self) -> float:
        return self.w * 0.25 * self.look.geometry.eye_size

    def at(self, across: float, down: float) -> Point:
        """The point ``across`` half widths and ``down`` half heights from the centre."""
        return self.x + across * self.w, self.y + down * self.h


def draw_person(look: Look, setting: Setting, size: int = 80) -> Pixels:
    """A portrait.

    Args:
        look: Who is shown.
        setting: In what pose, mood, clothes, light and place.
        size: Side in pixels.

    Returns:
        uint8 array (size, size, 3); the same arguments give the same bytes.
    """
    image = background(COLORS[setting.background], setting.background_pattern, setting.seed)
    layer = posed(_person_layer(look, setting), setting)
    image.paste(layer, (0, 0), layer)
    return photograph(image, setting, size)


def draw_group(left: tuple[Look, Setting], right: tuple[Look, Setting], size: int = 80) -> Pixels:
    """Two people side by side, both faces in full, before the background and in the light of the left one.

    Args:
        left: Look and setting of the person on the left.
        right: The same for the person on the right.
        size: Side in pixels.

    Returns:
        uint8 array (size, size, 3); the same arguments give the same bytes.
    """
    scene = left[1]
    image = background(COLORS[scene.background], scene.background_pattern, scene.seed)
    for (look, setting), center in ((left, 0.25), (right, 0.75)):
        layer = posed(_person_layer(look, setting), setting, zoom=0.64, center_x=center, top=0.12)
        image.paste(layer, (0, 0), layer)
    return photograph(image, scene, size)


def _person_layer(look: Look, setting: Setting) -> Image.Image:
    layer, g = new_layer(), look.geometry
    x, y = CANVAS * 0.5, CANVAS * 0.5
    w, h = CANVAS * 0.265 * g.face_width, CANVAS * 0.31 * g.face_height
    head = _Head(Brush(layer), look, setting, x, y, w, h, x + setting.yaw * w)
    _draw_back_hair(head)
    _draw_body(head)
    _draw_face(head)
    _draw_beard(head)
    _draw_mouth(head)
    _draw_moustache(head)
    _draw_eyes(head)
    _draw_nose(head)
    _draw_mark(head)
    _draw_glasses(head)
    _draw_front_hair(head)
    _draw_cap(head)
    _draw_crest(head)
    _draw_brows(head)
    _draw_tears(head)
    return layer


def _draw_body(head: _Head) -> None:
    cloth, skin, (x, neck) = COLORS[head.setting.clothing], shade(head.skin, 0.85), head.at(0, 1.02)
    bottom = CANVAS * 1.4
    head.brush.box(
        x - CANVAS * 0.38, neck, x + CANVAS * 0.38, bottom, cloth, CANVAS * 0.14, shade(cloth, 0.6)
    )
    head.brush.box(x - head.w * 0.4, head.y + head.h * 0.6, x + head.w * 0.4, neck + 4, skin)
    head.brush.polygon([(x - head.w * 0.4, neck + 4), (x + head.w * 0.4, neck + 4), (x, neck + 16)], skin)


def _draw_face(head: _Head) -> None:
    brush, g, skin, edge = head.brush, head.look.geometry, head.skin, shade(head.skin, 0.7)
    for side in _SIDES:
        brush.oval(
            *head.at(side, 0.05), head.w * 0.17 * g.ear_size, head.h * 0.17 * g.ear_size, skin, edge, 2
        )
    brush.oval(head.x, head.y, head.w, head.h, skin, edge, 2)
    jaw = 0.55 + 0.35 * g.jaw
    left, top = head.at(-jaw, 0.1)
    right, bottom = head.at(jaw, 0.88 + 0.08 * g.jaw)
    brush.box(left, top, right, bottom, skin, jaw * head.w * 0.45)
    if head.look.hair_style == "bald":
        brush.oval(*head.at(-0.25, -0.72), head.w * 0.24, head.h * 0.1, shade(skin, 1.25))


# --- hair ---


def _draw_back_hair(head: _Head) -> None:
    brush, color, edge = head.brush, shade(head.hair, 0.88), head.hair_edge
    match head.look.hair_style:
        case "long":
            brush.box(*head.at(-1.32, -0.95), *head.at(1.32, 1.75), color, head.w * 0.75, edge)
        case "bob":
            brush.box(*head.at(-1.42, -0.98), *head.at(1.42, 0.62), color, head.w * 0.5, edge)
        case "curly":
            for k in range(9):
                angle = math.pi * (-0.22 + 1.44 * k / 8)
                x, y = head.at(1.12 * math.cos(angle), -0.15 - 0.88 * math.sin(angle))
                brush.oval(x, y, head.w * 0.36, head.w * 0.36, color, edge)
        case "spiky":
            tips = []
            for k in range(21):
                angle, reach = math.pi * (-0.1 + 1.2 * k / 20), 1.45 if k % 2 == 0 else 1.02
                tips.append(head.at(reach * math.cos(angle), -0.1 - reach * 0.95 * math.sin(angle)))
            brush.polygon(tips, head.hair, edge)
        case "bun":
            brush.oval(*head.at(0, -1.25), head.w * 0.48, head.h * 0.36, head.hair, edge)


def _draw_front_hair(head: _Head) -> None:
    brush, hair, edge = head.brush, head.hair, head.hair_edge
    match head.look.hair_style:
        case "short":
            for side in _SIDES:
                x, y = head.at(side * 0.98, -0.22)
                brush.box(x - head.w * 0.12, y - head.h * 0.3, x + head.w * 0.12, y + head.h * 0.22, hair)
            brush.chord(*head.at(0, -0.3), head.w * 1.1, head.h * 0.82, 188, 352, hair, edge)
        case "long":
            middle = head.at(0, -0.9)
            for side in _SIDES:
                points = [
                    middle,
                    head.at(side * 0.75, -0.85),
                    head.at(side * 1.12, -0.3),
                    head.at(side * 1.12, 0.6),
                ]
                brush.polygon([*points, head.at(side * 0.86, 0.1), head.at(side * 0.62, -0.42)], hair)
            brush.chord(*head.at(0, -0.4), head.w * 1.1, head.h * 0.68, 198, 342, hair)
        case "bob":
            brush.chord(*head.at(0, -0.2), head.w * 1.14, head.h * 0.9, 195, 345, hair)
            brush.box(*head.at(-1.1, -0.5), *head.at(1.1, -0.42), hair)
        case "curly":
            for k in range(7):
                angle = math.pi * (k + 0.5) / 7
                x, y = head.at(0.86 * math.cos(angle), -0.2 - 0.72 * math.sin(angle))
                brush.oval(x, y, head.w * 0.28, head.w * 0.27, hair, edge, 2)
        case "spiky":
            points = [head.at(-0.98, -0.2)]
            for k in range(5):
                points += [head.at(-0.8 + 0.4 * k, -0.78), head.at(-0.6 + 0.4 * k, -0.42)]
            brush.polygon(
                [*points[:-1], head.at(0.98, -0.2), head.at(0.6, -0.92), head.at(-0.6, -0.92)], hair
            )
        case "bun":
            brush.chord(*head.at(0, -0.25), head.w * 1.06, head.h * 0.85, 200, 340, hair, edge)


def _draw_cap(head: _Head) -> None:
    if head.setting.hat == "no hat":
        return
    brush, color = head.brush, COLORS[head.setting.hat_color]
    edge = ink_for(color)
    brush.chord(*head.at(0, -0.55), head.w * 0.98, head.h * 0.58, 180, 360, color, edge)
    left, top = head.at(-1.0, -0.66)
    right, bottom = head.at(1.35, -0.5)
    brush.box(left, top, right, bottom, shade(color, 0.75), 5, edge)
    brush.oval(*head.at(0, -0.86), head.w * 0.2, head.h * 0.13, edge)


def _draw_crest(head: _Head) -> None:
    """A mohawk, in front of a cap too."""
    if head.look.hair_style == "mohawk":
        half = [(0.2, -0.58), (0.36, -1.05), (0.5, -1.5), (0.22, -1.34)]
        points = [*half, (0, -1.58), *((-across, down) for across, down in reversed(half))]
        head.brush.polygon([head.at(*point) for point in points], head.hair, head.hair_edge)


# --- face ---


def _draw_beard(head: _Head) -> None:
    color = _beard_color(head)
    edge = shade(color, 0.6) if luminance(color) > 60 else (95, 92, 105)
    if head.look.beard == "a full beard":
        head.brush.chord(*head.at(0, 0.36), head.w * 1.03, head.h * 0.82, 8, 172, color, edge)
    elif head.look.beard == "a goatee":
        head.brush.oval(*head.at(0, 0.97), head.w * 0.36, head.h * 0.25, color, edge)


def _beard_color(head: _Head) -> RGB:
    return shade(head.hair, 0.85)


def _draw_moustache(head: _Head) -> None:
    if head.look.beard not in ("a moustache", "a full beard"):
        return
    color = _beard_color(head)
    x, y = head.fx, head.y + head.h * 0.42
    head.brush.chord(x, y, head.w * 0.52, head.h * 0.17, 180, 360, color, head.hair_edge, 2)


def _draw_mouth(head: _Head) -> None:
    brush, x, y = head.brush, head.fx, head.y + head.h * 0.58
    half, lip = head.w * 0.45 * head.look.geometry.mouth_width, (150, 35, 50)
    if head.look.beard == "a full beard":
        brush.oval(x, y, half * 1.2, head.h * 0.26, head.skin)
    match head.setting.expression:
        case "smiling":
            brush.chord(x, y - head.h * 0.1, half, head.h * 0.3, 0, 180, (250, 250, 250), lip, 4)
        case "serious":
            brush.box(x - half, y - 4, x + half, y + 3, lip)
        case "surprised":
            brush.oval(x, y + head.h * 0.03, head.w * 0.24, head.h * 0.21, (70, 12, 25), lip, 3)
        case "sad":
            brush.arc(x, y + head.h * 0.22, half, head.h * 0.34, 180, 360, lip, 8)


def _draw_eyes(head: _Head) -> None:
    brush, r = head.brush, head.eye_r
    tall = 1.25 if head.setting.expression == "surprised" else 0.95
    for side in _SIDES:
        x, y = head.fx + side * head.eye_x, head.eye_y
        brush.oval(x, y, r * 1.25, r * tall, (252, 252, 252), shade(head.skin, 0.55), 2)
        brush.oval(x, y, r * 0.8, r * 0.8, EYE_COLORS[head.look.eyes])
        brush.oval(x, y, r * 0.28, r * 0.28, (10, 10, 10))


def _draw_brows(head: _Head) -> None:
    g, r, mood = head.look.geometry, head.eye_r, head.setting.expression
    lift = {"surprised": 0.5, "serious": -0.15}.get(mood, 0.0)
    inner = 0.55 if mood == "sad" else g.brow_angle
    color = shade(head.hair, 0.7) if head.look.hair_style != "bald" else head.hair
    for side in _SIDES:
        x, y = head.fx + side * head.eye_x, head.eye_y - r * (1.6 + lift)
        rise = inner * r * side
        head.brush.line([(x - r * 1.2, y - rise), (x + r * 1.2, y + rise)], color, 3.5 * g.brow_thickness + 1)


def _draw_tears(head: _Head) -> None:
    if head.setting.expression != "sad":
        return
    for side in _SIDES:
        x, y = head.fx + side * head.eye_x * 0.85, head.y + head.h * 0.36
        half = head.w * 0.12
        head.brush.polygon([(x, y - head.h * 0.24), (x + half, y), (x - half, y)], _TEAR)
        head.brush.oval(x, y, half, half, _TEAR)


def _draw_nose(head: _Head) -> None:
    g, top = head.look.geometry, head.y
    half, bottom = head.w * 0.12 * g.nose_width, top + head.h * 0.26 * g.nose_length
    head.brush.polygon(
        [(head.fx, top), (head.fx - half, bottom), (head.fx + half, bottom)], shade(head.skin, 0.78)
    )


def _draw_mark(head: _Head) -> None:
    brush, g = head.brush, head.look.geometry
    side = 1 if g.mark_side > 0 else -1
    x, y = head.fx + side * head.w * 0.68, head.y + head.h * (0.24 + 0.1 * g.mark_height)
    match head.look.mark:
        case "freckles":
            color = (240, 185, 140) if head.dark_skinned else (165, 80, 40)
            for cheek in _SIDES:
                for across, down in ((0.4, 0.17), (0.58, 0.2), (0.76, 0.17), (0.49, 0.3), (0.68, 0.32)):
                    brush.oval(head.fx + cheek * across * head.w, head.y + down * head.h, 3.4, 3.4, color)
        case "a mole":
            brush.oval(x, y, 7, 7, (235, 195, 175) if head.look.skin == "dark" else (30, 12, 12))
        case "a scar":
            brush.line([(x - 6, y - 17), (x + 6, y + 17)], (225, 50, 75), 6)
            for step in (-9, 0, 9):
                brush.line(
                    [(x + step / 3 - 8, y + step + 3), (x + step / 3 + 8, y + step - 3)], (225, 50, 75), 3
                )
        case "a tattoo":
            brush.polygon(star(x, y, 13), _TATTOO)


def _draw_glasses(head: _Head) -> None:
    brush, r = head.brush, head.eye_r * 1.62
    frame = (245, 215, 90) if head.dark_skinned else (20, 20, 24)
    left, right, y, width = head.fx - head.eye_x, head.fx + head.eye_x, head.eye_y, 5
    match head.look.glasses:
        case "round glasses":
            for x in (left, right):
                brush.oval(x, y, r, r, None, frame, width)
        case "square glasses":
            for x in (left, right):
                brush.box(x - r, y - r * 0.85, x + r, y + r * 0.85, None, 0, frame, width)
        case "dark glasses":
            for x in (left, right):
                brush.box(x - r, y - r * 0.8, x + r, y + r * 0.9, (16, 16, 22), 6, frame, 3)
        case "a monocle":
            brush.oval(right, y, r, r, None, (245, 190, 40), 6)
            brush.line(
                [(right + r * 0.8, y + r * 0.5), (right + r, head.y + head.h * 1.05)], (245, 190, 40), 4
            )
    if head.look.glasses.endswith("glasses") and head.look.glasses != "no glasses":
        brush.line([(left + r * 0.9, y), (right - r * 0.9, y)], frame, width)
