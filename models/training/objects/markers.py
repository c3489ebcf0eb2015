"""Side markers, arrows and burned-in words: in the picture on purpose, near its border, of neither class."""

from __future__ import annotations

import numpy as np

from models.training.objects.sheet import Disc, Draw, Path, Plate, Sheet, Text, polygon

_WORDS = ("PORTABLE", "AP", "SUPINE", "ERECT", "PA", "AP MOBILE", "12.03", "W 2048", "SEMI", "STANDING", "10:42")


def side_marker(rng: np.random.Generator) -> Sheet:
    """A letter of lead, bare, in a ring or on a plate."""
    height, depth = rng.uniform(8, 24), rng.uniform(1.2, 5)
    sheet, stroke = Sheet(3.5 * height, 4 * height), height * rng.uniform(0.1, 0.25)
    letter = str(rng.choice(["L", "R", "L", "R", "D", "S", "G"]))
    frame = rng.random()
    if frame < 0.25:
        sheet.add(depth, Disc((0, 0), height, rng.uniform(0.8, 2)))
    elif frame < 0.45:
        sheet.add(depth, Plate(polygon(4, height * 1.3, np.pi / 4, rng.uniform(0.7, 1)))).cut(
            Text(letter, (0, 0), height, stroke)
        )
        return sheet
    sheet.add(depth, Text(letter, (0, 0), height, stroke))
    if rng.random() < 0.4:
        initials = "".join(rng.choice(list("ABCDGJKMOVQ"), 2))
        sheet.add(depth, Text(initials, (0, height * 1.4), height * 0.6, stroke * 0.7))
    return sheet


def word(rng: np.random.Generator) -> Sheet:
    text, height = str(rng.choice(_WORDS)), rng.uniform(6, 14)
    sheet = Sheet(height * len(text) + 10, height * 2)
    return sheet.add(4, Text(text, (0, 0), height, height * rng.uniform(0.08, 0.18)))


def arrow(rng: np.random.Generator) -> Sheet:
    half = rng.uniform(8, 16)
    head = [(-half * 0.4, -half * 0.2), (0, -half), (half * 0.4, -half * 0.2)]
    return Sheet(2 * half, 2.4 * half).add(4, Path([(0, half), (0, -half)], half * 0.2), Plate(head))


FAMILIES: dict[str, Draw] = {"side_marker": side_marker, "word": word, "arrow": arrow}
