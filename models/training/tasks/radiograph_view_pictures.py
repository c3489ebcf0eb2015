"""Pictures that are no radiographs: drawn from nothing, a film photographed from a screen, or in a program."""

from __future__ import annotations

import cv2
import numpy as np

from models.image.picture import Picture

Rng = np.random.Generator


def drawn(rng: Rng, side: int = 200) -> Picture:
    """Noise, gradients, stripes, text or shapes."""
    rows, columns = (int(side * rng.uniform(0.6, 1)) for _ in range(2))
    kind = int(rng.integers(0, 6))
    if kind == 0:
        picture = _noise(rows, columns, rng)
    elif kind == 1:
        picture = _gradient(rows, columns, rng)
    elif kind == 2:
        picture = _stripes(rows, columns, rng)
    elif kind == 3:
        picture = _page(rows, columns, rng)
    elif kind == 4:
        picture = _shapes(rows, columns, rng)
    else:
        picture = 0.5 * _shapes(rows, columns, rng) + 0.5 * _noise(rows, columns, rng)
    return np.asarray(picture + rng.standard_normal(picture.shape, np.float32) * 0.01, np.float32)


def _noise(rows: int, columns: int, rng: Rng) -> Picture:
    """Grain of any size, from pixels to clouds."""
    total = np.zeros((rows, columns), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        knots = rng.standard_normal((int(rng.integers(2, rows)), int(rng.integers(2, columns)))).astype(np.float32)
        total += cv2.resize(knots, (columns, rows), interpolation=cv2.INTER_CUBIC) * float(rng.uniform(0.2, 1))
    return np.asarray(0.5 + 0.2 * total, np.float32)


def _gradient(rows: int, columns: int, rng: Rng) -> Picture:
    y, x = np.mgrid[0 : 1 : rows * 1j, 0 : 1 : columns * 1j].astype(np.float32)
    if rng.random() < 0.5:
        slope = rng.uniform(-1, 1, 2)
        return np.asarray(slope[0] * x + slope[1] * y, np.float32)
    cx, cy = rng.uniform(0, 1, 2)
    return np.asarray(np.hypot(x - cx, y - cy) * rng.choice([-1, 1]), np.float32)


def _stripes(rows: int, columns: int, rng: Rng) -> Picture:
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    total = np.zeros((rows, columns), np.float32)
    for _ in range(int(rng.integers(1, 3))):
        angle, period = rng.uniform(0, np.pi), rng.uniform(3, 60)
        wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period)
        total += np.sign(wave) if rng.random() < 0.4 else wave
    return np.asarray(0.5 + 0.25 * total, np.float32)


def _page(rows: int, columns: int, rng: Rng) -> Picture:
    page = np.full((rows, columns), 255, np.uint8)
    size = float(rng.uniform(0.25, 0.6))
    y = int(12 * size + 8)
    while y < rows:
        word = "".join(rng.choice(list("abcdefghiklmnoprstuvw   ADEGR0123456789.,"), int(rng.integers(5, 50))))
        cv2.putText(page, word, (int(rng.uniform(2, 12)), y), cv2.FONT_HERSHEY_SIMPLEX, size, 0, 1, cv2.LINE_AA)
        y += int(rng.uniform(26, 40) * size) + 2
    return np.asarray((page if rng.random() < 0.6 else 255 - page) / np.float32(255), np.float32)


def _shapes(rows: int, columns: int, rng: Rng) -> Picture:
    canvas = np.full((rows, columns), int(rng.uniform(0, 255)), np.uint8)
    for _ in range(int(rng.integers(2, 14))):
        at = int(rng.uniform(0, columns)), int(rng.uniform(0, rows))
        size = int(rng.uniform(4, 70)), int(rng.uniform(4, 70))
        shade, line = int(rng.uniform(0, 255)), int(rng.choice([-1, -1, 1, 2]))
        if rng.random() < 0.5:
            cv2.ellipse(canvas, at, size, float(rng.uniform(0, 180)), 0, 360, shade, line, cv2.LINE_AA)
        else:
            cv2.rectangle(canvas, at, (at[0] + size[0], at[1] + size[1]), shade, line)
    return np.asarray(canvas / np.float32(255), np.float32)


def on_a_page(film: Picture, rng: Rng, side: int = 220) -> Picture:
    """A film inside a program's window: panels, words, buttons, sometimes a second film."""
    rows, columns = side, int(side * rng.uniform(0.9, 1.7))
    page = np.full((rows, columns), float(rng.choice([0.0, 0.05, 0.2, 0.8, 1.0])), np.float32)
    share = float(rng.uniform(0.35, 0.75))
    count = 1 + int(rng.random() < 0.3)
    for _ in range(count):
        scale = share * min(rows / film.shape[0], columns / count / film.shape[1])
        size = max(24, int(film.shape[1] * scale)), max(24, int(film.shape[0] * scale))
        small = cv2.resize(film, size, interpolation=cv2.INTER_AREA)
        x, y = int(rng.uniform(0, columns - size[0])), int(rng.uniform(0, rows - size[1]))
        page[y : y + size[1], x : x + size[0]] = small
    sheet = (np.clip(page, 0, 1) * 255).astype(np.uint8)
    for _ in range(int(rng.integers(6, 22))):
        at = int(rng.uniform(0, columns * 0.9)), int(rng.uniform(6, rows))
        word = "".join(rng.choice(list("abcdehiknorst0123456789 :."), int(rng.integers(2, 14))))
        shade = int(rng.choice([0, 120, 255]))
        cv2.putText(
            sheet, word, at, cv2.FONT_HERSHEY_SIMPLEX, float(rng.uniform(0.2, 0.45)), shade, 1, cv2.LINE_AA
        )
    for _ in range(int(rng.integers(2, 9))):
        at = int(rng.uniform(0, columns)), int(rng.uniform(0, rows))
        far = at[0] + int(rng.uniform(8, 60)), at[1] + int(rng.uniform(4, 16))
        cv2.rectangle(sheet, at, far, int(rng.uniform(20, 255)), int(rng.choice([-1, 1])))
    return np.asarray(sheet / np.float32(255), np.float32)


def photographed(film: Picture, rng: Rng, side: int = 220) -> Picture:
    """A photograph of a film on a monitor: frame, perspective, glare, moire, vignette, hand and focus."""
    rows, columns = side, int(side * rng.uniform(0.75, 1.4))
    behind = np.asarray(
        _noise(rows, columns, rng) * float(rng.uniform(0.1, 0.8)) + rng.uniform(-0.2, 0.3), np.float32
    )
    screen = _framed(film, rng)
    matrix, quad = _perspective(screen.shape, (rows, columns), rng)
    shown = cv2.warpPerspective(screen, matrix, (columns, rows))
    cover = np.zeros((rows, columns), np.float32)
    cv2.fillConvexPoly(cover, quad.astype(np.int32), 1.0)
    photo = shown * cover + behind * (1 - cover)
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    if rng.random() < 0.75:  # two gratings, screen and sensor, beat
        for _ in range(2):
            period, angle = rng.uniform(2.2, 14), rng.uniform(0, np.pi)
            bend = rng.uniform(-0.002, 0.002) * (x - columns / 2) * (y - rows / 2)
            wave = np.sin((x * np.cos(angle) + y * np.sin(angle) + bend) * 2 * np.pi / period)
            photo = photo * (1 + cover * wave * np.float32(rng.uniform(0.02, 0.12)))
    for _ in range(int(rng.integers(0, 4))):
        cx, cy = rng.uniform(0, columns), rng.uniform(0, rows)
        width, height = rng.uniform(0.05, 0.4, 2) * side
        blob = np.exp(-(((x - cx) / width) ** 2) - ((y - cy) / height) ** 2)
        photo = photo + blob * np.float32(rng.uniform(0.1, 0.6))
    far = np.hypot(x / columns - rng.uniform(0.35, 0.65), y / rows - rng.uniform(0.35, 0.65))
    photo = photo * (1 - np.float32(rng.uniform(0, 0.8)) * far)
    photo = np.clip(photo, 0, 1) ** float(rng.uniform(0.5, 1.6))
    if rng.random() < 0.5:
        photo = cv2.GaussianBlur(photo, (0, 0), float(rng.uniform(0.4, 1.6)))
    return np.asarray(photo + rng.standard_normal(photo.shape, np.float32) * np.float32(0.02), np.float32)


def _framed(film: Picture, rng: Rng) -> Picture:
    """A monitor: the film with black beside it, sometimes words, then the case about it."""
    dark = float(rng.uniform(0, 0.15))
    beside = int(film.shape[1] * rng.uniform(0, 0.35)) if rng.random() < 0.6 else 0
    above = int(film.shape[0] * rng.uniform(0, 0.12))
    shown = cv2.copyMakeBorder(film, above, above, beside, beside, cv2.BORDER_CONSTANT, value=dark)
    case = int(max(shown.shape) * rng.uniform(0.02, 0.1))
    shade = float(rng.choice([0.03, 0.1, 0.5, 0.9]))
    return np.asarray(
        cv2.copyMakeBorder(shown, case, case + case // 2, case, case, cv2.BORDER_CONSTANT, value=shade), np.float32
    )


def _perspective(
    shape: tuple[int, ...], seen: tuple[int, int], rng: Rng
) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.float64]], np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """From the screen to the photograph, and the screen's corners there. Part of the case is always in sight."""
    height, width = shape
    rows, columns = seen
    scale = min(columns / width, rows / height) * rng.uniform(0.7, 1.15)
    corners = (
        np.asarray([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)
        / 2
        * np.asarray([width * scale, height * scale], np.float32)
    )
    turn = np.radians(np.clip(rng.normal(0, 6), -15, 15))
    turned = corners @ np.asarray([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]], np.float32)
    keystone = rng.uniform(-0.10, 0.10, (4, 2)) * (width * scale, height * scale)
    middle = np.asarray([columns, rows]) * rng.uniform(0.42, 0.58, 2)
    quad = np.asarray(turned + keystone + middle, np.float32)
    start = np.asarray([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(start, quad), np.float64), quad
