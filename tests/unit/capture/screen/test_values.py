"""Texts of a screen as DICOM's values."""

from __future__ import annotations

import pytest

from capture.screen.template import Box, FieldKind, ScreenField
from capture.screen.values import Plain, plain

BOX = Box(x=0, y=0, w=1, h=1)


@pytest.mark.parametrize(
    ("keyword", "kind", "text", "value"),
    [
        ("KVP", "number", "125", 125.0),
        ("DeviationIndex", "number", "+0.5", 0.5),
        ("DeviationIndex", "number", "-1.2", -1.2),
        ("KVP", "number", "12.5.1", None),
        ("KVP", "number", "l25", None),
        ("KVP", "number", "", None),
        ("StudyDate", "date", "1990-03-15", "19900315"),
        ("StudyDate", "date", "2024/03/02", "20240302"),
        ("StudyDate", "date", "2024年3月2日", "20240302"),
        ("StudyDate", "date", "20240302", "20240302"),
        ("StudyDate", "date", "02/03/2024", None),
        ("StudyDate", "date", "2024-13-02", None),
        ("StudyTime", "time", "22:55:19", "225519"),
        ("StudyTime", "time", "7:05", "0705"),
        ("StudyTime", "time", "25:00", None),
        ("StudyTime", "time", "225519", None),
        ("PatientAge", "text", "33岁", "033Y"),
        ("PatientAge", "text", "5个月", "005M"),
        ("PatientAge", "text", "33", "033Y"),
        ("PatientAge", "text", "young", None),
        ("PatientSex", "choice", "女", "F"),
        ("PatientSex", "choice", "?", None),
        ("ImageLaterality", "choice", "右", "R"),
        ("ViewPosition", "text", "CHEST PA", "PA"),
        ("BodyPartExamined", "text", "胸部正位", "CHEST"),
        ("BodyPartExamined", "text", "颈椎双斜位", "CSPINE"),
        ("BodyPartExamined", "text", "C-SPINE OBL", "CSPINE"),
        ("BodyPartExamined", "text", "胸腹联合", "胸腹联合"),
        ("BodyPartExamined", "text", "其他", "其他"),
        ("BodyPartExamined", "text", "胸椎侧位", "TSPINE"),
        ("ViewPosition", "text", "PA AP", "PA AP"),
        ("ViewPosition", "text", "CHESTPA", "PA"),
        ("ViewPosition", "text", "PARTIAL", "PARTIAL"),
        ("PatientName", "name", " 方霞 ", "方霞"),
    ],
)
def test_values(keyword: str, kind: FieldKind, text: str, value: Plain | None) -> None:
    assert plain(ScreenField(keyword=keyword, box=BOX, kind=kind), text) == value
