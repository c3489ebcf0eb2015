"""Where things are in the second patient: voxels (i, j, k), set by an AI agent looking at slices; our own work."""

from __future__ import annotations

Place = tuple[int, int, int]
Places = tuple[Place, ...]
AIR, BONE, MARROW = -400.0, 160.0, 110.0
APEX = 176
"""No lung from this slice up."""
DENSEST = 1600.0
"""HU of bone; the full veins beside the right clavicle are denser."""
MIDDLE = 121
"""Right lung before, left lung from here."""
TOP_TIP, LAST_TIP = 178, 40
"""Slices above the tip of T1's spinous process and below T10's; the levels between are even, not counted."""
AIRWAYS = (
    ((118, 73, 176), (118, 74, 165), (118, 82, 140), (116, 86, 126)),
    ((116, 86, 126), (102, 88, 114)),
    ((116, 86, 126), (129, 93, 108)),
)
CLAVICLES = (
    ((104, 54, 151), (98, 54, 158), (85, 60, 165), (76, 69, 170), (60, 90, 176), (47, 102, 182), (38, 107, 186)),
    (
        (134, 54, 151),
        (142, 57, 158),
        (155, 66, 165),
        (165, 74, 170),
        (180, 92, 176),
        (192, 107, 182),
        (203, 110, 186),
    ),
)
HUMERI = (((17, 95, 172), (18, 95, 177), (15, 88, 190)), ((219, 99, 172), (219, 101, 177), (227, 90, 190)))
# k, then middle i, middle j, half width and tip j of the vertebra there.
VERTEBRAE = (
    (0, 119, 110, 13, 138),
    (60, 117, 112, 12, 142),
    (90, 117, 112, 10, 147),
    (110, 115, 115, 9, 147),
    (125, 115, 111, 9, 141),
    (140, 116, 105, 9, 134),
    (150, 117, 102, 10, 132),
    (160, 118, 98, 10, 128),
    (170, 120, 93, 11, 121),
    (182, 120, 85, 12, 120),
    (190, 120, 80, 12, 112),
)
# i, then the slice of the diaphragm under the heart.
HEART_FLOOR = ((85, 60), (95, 58), (105, 50), (120, 46), (140, 43), (160, 43), (182, 42))
HEART = (90, 182, 104)
"""From i, to i, below k."""
