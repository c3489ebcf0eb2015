"""Degradations of known magnitude: what goes wrong with a film, made to order.

Every function takes a film as float32 ``(rows, columns)``, 0..1, dense anatomy bright (as MONOCHROME2 shows it),
and gives one of the same kind. At strength 0 a film goes through the same steps and comes out unchanged, so that
a network cannot learn the trace of the steps instead of the fault (image-qc.md 7.2, pitfall 2). What is random
comes from a ``numpy.random.Generator`` that the caller seeds.

These are models of faults, applied to films that a device has already processed to 8 bits. They rank; for a
claim about a detector raw pixels are needed (image-qc.md 7.2, pitfalls 3 to 5).
"""

from models.training.degradations.blur import gaussian_blur, local_motion_blur, motion_blur, motion_length_mm
from models.training.degradations.exposure import add_noise, saturate, white_out
from models.training.degradations.field import Cropped, Side, crop_field
from models.training.degradations.lines import alias, grid_lines
from models.training.degradations.nuisance import jpeg, low_resolution, quantise
from models.training.degradations.orientation import invert, mirror, turn
from models.training.degradations.trunk import Warp, rotate_trunk

__all__ = [
    "Cropped",
    "Side",
    "Warp",
    "add_noise",
    "alias",
    "crop_field",
    "gaussian_blur",
    "grid_lines",
    "invert",
    "jpeg",
    "local_motion_blur",
    "low_resolution",
    "mirror",
    "motion_blur",
    "motion_length_mm",
    "quantise",
    "rotate_trunk",
    "saturate",
    "turn",
    "white_out",
]
