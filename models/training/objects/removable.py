"""Objects to take off before the exposure: the families a network learns from.

Sizes in mm as in trade; attenuation (mu times thickness) at diagnostic quality: plastic some 0.02 per mm,
aluminium 0.07, brass and steel 0.5 and more. It is tested on others: :mod:`models.training.objects.unseen`.
"""

from __future__ import annotations

import numpy as np

from models.training.objects.sheet import Disc, Draw, Path, Plate, Shape, Sheet, along, polygon, wander


def light(rng: np.random.Generator) -> float:
    """Attenuation of a piece of plastic, glass, or light metal."""
    return float(rng.uniform(0.07, 0.35))


def metal(rng: np.random.Generator) -> float:
    """Attenuation of a piece of metal."""
    return float(np.exp(rng.uniform(np.log(0.3), np.log(2.5))))


def stuff(rng: np.random.Generator) -> float:
    """Of either kind."""
    return metal(rng) if rng.random() < 0.6 else light(rng)


def button(rng: np.random.Generator) -> Sheet:
    radius, depth = rng.uniform(4.5, 13), stuff(rng)
    sheet = Sheet(2 * radius, 2 * radius).add(depth * rng.uniform(0.5, 1), Disc((0, 0), radius))
    sheet.add(depth * rng.uniform(0, 0.8), Disc((0, 0), radius * 0.9, radius * rng.uniform(0.1, 0.3)))
    holes = int(rng.choice([0, 2, 3, 4, 4]))
    if holes:
        places = polygon(holes, radius * rng.uniform(0.22, 0.38), rng.uniform(0, 3))
        sheet.cut(*(Disc((x, y), radius * rng.uniform(0.09, 0.15)) for x, y in places))
    return sheet


def snap(rng: np.random.Generator) -> Sheet:
    radius, depth = rng.uniform(3, 8), metal(rng)
    sheet = Sheet(2 * radius, 2 * radius).add(depth * 0.4, Disc((0, 0), radius))
    sheet.add(depth * 0.6, Disc((0, 0), radius * rng.uniform(0.6, 0.9), radius * rng.uniform(0.1, 0.3)))
    return sheet.add(depth * rng.uniform(0.3, 1), Disc((0, 0), radius * rng.uniform(0.2, 0.45)))


def underwire(rng: np.random.Generator) -> Sheet:
    across, down = rng.uniform(45, 75), rng.uniform(35, 65)
    angle = np.linspace(rng.uniform(-0.2, 0.4), np.pi - rng.uniform(-0.2, 0.4), 40)
    arc = np.stack([np.cos(angle) * across, np.sin(angle) * down - down / 2], 1)
    return Sheet(2 * across + 10, 2 * down + 10).add(metal(rng), Path(arc, rng.uniform(1, 3)))


def hooks(rng: np.random.Generator) -> Sheet:
    rows, pitch, width = int(rng.integers(1, 5)), rng.uniform(9, 16), rng.uniform(0.9, 1.6)
    sheet, depth = Sheet(50, 15 + pitch * rows), metal(rng)
    reach = rng.uniform(4, 9)
    for row in range(rows):
        y = (row - (rows - 1) / 2) * pitch
        hook = [(reach, y - 2), (-reach * 0.6, y - 2), (-reach, y), (-reach * 0.6, y + 2), (reach, y + 2)]
        sheet.add(
            depth, Path(hook, width), Disc((reach + 1, y - 2), 1.6, width), Disc((reach + 1, y + 2), 1.6, width)
        )
        if rng.random() < 0.6:
            sheet.add(depth, Path([(-18, y - 3), (-14, y - 2), (-14, y + 2), (-18, y + 3)], width))
    return sheet


def slider(rng: np.random.Generator) -> Sheet:
    half, tall, width = rng.uniform(6, 14), rng.uniform(4, 9), rng.uniform(1.2, 3)
    frame = np.array([(-half, -tall), (half, -tall), (half, tall), (-half, tall)])
    sheet = Sheet(2 * half + 8, 2 * max(tall, half) + 8)
    if rng.random() < 0.3:
        return sheet.add(stuff(rng), Disc((0, 0), half, width))
    shapes: list[Shape] = [Path(frame, width, closed=True)]
    if rng.random() < 0.7:
        shapes.append(Path([(-half, 0), (half, 0)], width))
    return sheet.add(stuff(rng), *shapes)


def necklace(rng: np.random.Generator) -> Sheet:
    across, down = rng.uniform(35, 90), rng.uniform(40, 170)
    x = np.linspace(-1, 1, 80)
    lean = rng.normal(0, 8) * np.sin(np.pi * (x + 1) * rng.uniform(0.5, 1.5))
    curve = np.stack([x * across + lean, (0.5 - np.abs(x) ** rng.uniform(1.2, 3)) * down], 1)
    bead = float(np.exp(rng.uniform(np.log(0.5), np.log(4))))
    sheet, depth = Sheet(2 * across + 30, down + 25), stuff(rng) if bead > 1 else metal(rng)
    if rng.random() < 0.3:
        sheet.add(depth, Path(curve, max(0.7, bead)))
    else:
        size = bead * rng.uniform(0.7, 1.1)
        places = along(curve, 2 * bead * rng.uniform(0.8, 1.6))
        hollow = bead * 0.5 if rng.random() < 0.3 else 0.0
        sheet.add(depth, *(Disc((px, py), size, hollow) for px, py in places))
    if rng.random() < 0.5:
        at = curve[int(rng.integers(0, 80))]
        sheet.add(metal(rng), Disc((float(at[0]), float(at[1])), rng.uniform(2, 4), 1))
    return sheet


def safety_pin(rng: np.random.Generator) -> Sheet:
    half, gap, width = rng.uniform(10, 28), rng.uniform(3, 6), rng.uniform(0.7, 1.5)
    sheet, depth = Sheet(2 * half + 16, 20), metal(rng)
    spread = gap * rng.uniform(0.6, 2)
    sheet.add(depth, Path([(half, gap / 2), (-half, gap / 2)], width), Disc((-half - gap / 2, 0), gap / 2, width))
    sheet.add(depth, Path([(-half, -gap / 2), (half, -spread / 2)], width))
    head = [(half - 2, -gap), (half + 5, -gap * 0.7), (half + 5, gap * 0.7), (half - 2, gap)]
    return sheet.add(depth * 0.6, Plate(head))


def key(rng: np.random.Generator) -> Sheet:
    bow, length, depth = rng.uniform(9, 14), rng.uniform(20, 35), metal(rng)
    sheet = Sheet(2 * (bow + length), 3 * bow)
    sheet.add(depth, Plate(polygon(int(rng.choice([4, 6, 30])), bow) - (length / 2, 0)))
    sheet.cut(Disc((-length / 2 - bow * 0.4, 0), bow * 0.3))
    x = np.linspace(bow * 0.8 - length / 2, length / 2 + bow * 0.5, 12)
    teeth = np.stack([x, rng.uniform(1, 4, 12)], 1)
    return sheet.add(depth, Plate([(x[0], -3.5), (x[-1], -3.5), *map(tuple, teeth[::-1])]))


def glasses(rng: np.random.Generator) -> Sheet:
    radius, width, depth = rng.uniform(20, 27), rng.uniform(1, 3), stuff(rng)
    stretch = rng.uniform(1, 1.25)
    lens = polygon(40, radius * 0.9, stretch=stretch)
    sheet, gap = Sheet(6 * radius, 6 * radius), radius * stretch + 8
    left, right = lens - np.array((gap, 0)), lens + np.array((gap, 0))
    sheet.add(depth, Path(left, width, closed=True), Path(right, width, closed=True))
    sheet.add(depth, Path([(-9, -3), (0, -6), (9, -3)], width))
    if rng.random() < 0.5:
        end = gap + radius * stretch
        sheet.add(depth, Path([(-end, -4), (-end + 20, 50)], width), Path([(end, -4), (end - 20, 50)], width))
    return sheet.add(rng.uniform(0, 0.15), Plate(left), Plate(right))


def plait(rng: np.random.Generator) -> Sheet:
    length, swing, width = rng.uniform(80, 190), rng.uniform(5, 10), rng.uniform(7, 13)
    y = np.linspace(-length / 2, length / 2, 120)
    depth, turns = rng.uniform(0.05, 0.16), length / rng.uniform(25, 45)
    sheet = Sheet(4 * swing + 3 * width + 30, length + 20)
    drift = wander(rng, (0, 0), np.pi / 2, length, 0.5)[:, 0]
    centre = np.interp(np.linspace(0, 1, 120), np.linspace(0, 1, len(drift)), drift)
    strands = int(rng.integers(2, 4))
    for strand in range(strands):
        x = centre + swing * np.sin(2 * np.pi * (y / length * turns + strand / strands))
        sheet.add(depth, Path(np.stack([x, y], 1), width * rng.uniform(0.6, 1)))
        for _ in range(3):
            hair = np.stack([x + rng.uniform(-width, width) / 2.5, y], 1)
            sheet.add(depth * 0.5, Path(hair, 1))
    if rng.random() < 0.6:
        sheet.add(light(rng), Path([(centre[-9] - 8, y[-9]), (centre[-9] + 8, y[-9])], rng.uniform(2, 6)))
    return sheet


def piercing(rng: np.random.Generator) -> Sheet:
    ball, depth = rng.uniform(1.5, 3.5), metal(rng)
    if rng.random() < 0.5:
        half = rng.uniform(4, 12)
        sheet = Sheet(2 * half + 10, 12).add(depth * 0.7, Path([(-half, 0), (half, 0)], ball * 0.6))
        return sheet.add(depth, Disc((-half, 0), ball), Disc((half, 0), ball))
    radius = rng.uniform(4, 14)
    sheet = Sheet(2 * radius + 10, 2 * radius + 10).add(depth * 0.7, Disc((0, 0), radius, ball * 0.7))
    return sheet.add(depth, Disc((0, radius), ball)) if rng.random() < 0.7 else sheet


def bare_electrode(rng: np.random.Generator) -> Sheet:
    """An adhesive ECG electrode left on after its lead was taken off."""
    foam, stud = rng.uniform(15, 26), rng.uniform(2.5, 5)
    sheet = Sheet(2 * foam, 2 * foam).add(rng.uniform(0, 0.05), Disc((0, 0), foam))
    sheet.add(rng.uniform(0.03, 0.12), Disc((0, 0), rng.uniform(6, 10)))
    sheet.add(metal(rng), Disc((0, 0), stud))
    return sheet.add(metal(rng) * 0.6, Disc((0, 0), stud * rng.uniform(0.9, 1.3), stud * 0.3))


def beads(rng: np.random.Generator) -> Sheet:
    """Rhinestones or sequins sewn on in rows or figures."""
    size, pitch, depth = rng.uniform(0.8, 2.5), rng.uniform(4, 9), stuff(rng)
    if rng.random() < 0.5:
        rows, columns = rng.integers(1, 6), rng.integers(2, 8)
        grid = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), -1).reshape(-1, 2) * pitch
        places = grid - grid.mean(0) + rng.normal(0, 0.08 * pitch, grid.shape)
    else:
        path = wander(rng, (0, 0), rng.uniform(0, 6), rng.uniform(25, 90), 4)
        places = along(path - path.mean(0), pitch * 0.7)
    span = 2 * float(np.abs(places).max()) + 4 * size + 2
    return Sheet(span, span).add(depth, *(Disc((x, y), size) for x, y in places))


def odd_plate(rng: np.random.Generator) -> Sheet:
    """A piece of no name: a rounded or cornered outline, sometimes with holes, an edge or ribs."""
    corners, radius, depth = int(rng.integers(3, 14)), rng.uniform(4, 22), stuff(rng)
    reach = radius * rng.uniform(rng.uniform(0.35, 0.95), 1, corners)
    outline = polygon(corners, 1, rng.uniform(0, 6), rng.uniform(0.4, 1)) * reach[:, None]
    sheet = Sheet(2 * radius + 6, 2 * radius + 6)
    if rng.random() < 0.7:
        sheet.add(depth * rng.uniform(0.3, 1), Plate(outline))
    else:
        sheet.add(depth, Path(outline, rng.uniform(1, 3.5), closed=True))
    if rng.random() < 0.4:
        sheet.add(depth * 0.6, Path(outline, rng.uniform(0.8, 2), closed=True))
    for _ in range(int(rng.choice([0, 0, 1, 2, 4]))):
        x, y = rng.uniform(-0.5, 0.5, 2) * radius
        sheet.cut(Disc((x, y), radius * rng.uniform(0.08, 0.25)))
    if rng.random() < 0.3:
        ribs = [Path([(-radius, at), (radius, at)], 0.8) for at in np.arange(-radius, radius, rng.uniform(2.5, 5))]
        sheet.cut(*ribs)
    return sheet


def odd_wire(rng: np.random.Generator) -> Sheet:
    """Bent wire of no name: cornered, looped or coiled, never long and smooth as a catheter lies."""
    span, width, depth = rng.uniform(8, 40), rng.uniform(0.7, 2.6), metal(rng)
    sheet = Sheet(2.4 * span, 2.4 * span)
    if rng.random() < 0.5:
        return sheet.add(
            depth, Path(rng.uniform(-span, span, (int(rng.integers(3, 8)), 2)) * (1, rng.uniform(0.3, 1)), width)
        )
    turns, t = rng.uniform(1.2, 7), np.linspace(0, 1, 150)
    loop = rng.uniform(0.15, 0.4) * span
    x = (t - 0.5) * span * rng.uniform(0.8, 1.8) + loop * np.cos(2 * np.pi * turns * t)
    return sheet.add(depth, Path(np.stack([x, loop * np.sin(2 * np.pi * turns * t)], 1), width))


FAMILIES: dict[str, Draw] = {
    "button": button,
    "snap": snap,
    "underwire": underwire,
    "hooks": hooks,
    "slider": slider,
    "necklace": necklace,
    "safety_pin": safety_pin,
    "key": key,
    "glasses": glasses,
    "plait": plait,
    "piercing": piercing,
    "bare_electrode": bare_electrode,
    "beads": beads,
    "odd_plate": odd_plate,
    "odd_wire": odd_wire,
}
