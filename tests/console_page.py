"""A DR console as a browser draws it, for teaching: labels stay, the exam changes."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import cv2
import numpy as np

from capture.screen.template import Box
from tests.screens import Grey, film


@dataclass(frozen=True, slots=True)
class Row:
    """One value on the page. ``keyword``: what an engineer would call it; "" for what is not read."""

    label: str
    keyword: str
    values: Sequence[str]
    unit: str = ""


PATIENT = (
    Row("患者编号", "PatientID", ("P0045127", "P0038866", "P0051290", "P0046003")),
    Row("姓名", "PatientName", ("王小明", "李建华", "赵敏", "孙博")),
    Row("性别", "PatientSex", ("男", "女", "女", "男")),
    Row("年龄", "PatientAge", ("045岁", "067岁", "031岁", "058岁")),
    Row("出生日期", "PatientBirthDate", ("1981-03-15", "1959-11-02", "1995-07-28", "1968-01-19")),
    Row("检查号", "AccessionNumber", ("DX2611220017", "DX2611220023", "DX2611220031", "DX2611220044")),
    Row("检查日期", "StudyDate", ("2026-11-22", "2026-11-21", "2026-11-20", "2026-11-23")),
    Row("检查时间", "StudyTime", ("08:41:07", "09:15:32", "10:03:54", "11:27:16")),
    Row("技师", "OperatorsName", ("刘洋", "陈静", "周涛", "吴丽")),
    Row("部位", "BodyPartExamined", ("CHEST", "PELVIS", "CHEST", "ABDOMEN")),
    Row("图像号", "InstanceNumber", ("1201", "1207", "1213", "1219")),
)
EXPOSURE = (
    Row("体位", "ViewPosition", ("PA", "AP", "PA", "LL")),
    Row("管电压", "KVP", ("125", "117", "109", "121"), "kV"),
    Row("管电流", "XRayTubeCurrent", ("320", "250", "400", "280"), "mA"),
    Row("曝光时间", "ExposureTime", ("7.8", "12.4", "9.6", "8.2"), "ms"),
    Row("mAs", "Exposure", ("2.50", "3.10", "3.84", "2.30"), "mAs"),
    Row("SID", "DistanceSourceToDetector", ("180", "150", "115", "180"), "cm"),
    Row("EI", "ExposureIndex", ("412", "386", "502", "437"), ""),
    Row("EIT", "TargetExposureIndex", ("385", "423", "381", "525"), ""),
    Row("感光度", "Sensitivity", ("326", "288", "412", "354"), ""),
    Row("DI", "DeviationIndex", ("+0.3", "-0.4", "+1.2", "-0.8"), ""),
    Row("DAP", "ImageAndFluoroscopyAreaDoseProduct", ("1.127", "1.684", "2.093", "1.051"), "dGy·cm²"),
)
IMAGE = Box(x=340, y=64, w=1240, h=960)
_STYLE = """
* { box-sizing: border-box; margin: 0; }
body { width: 1920px; height: 1080px; background: #1d2329; color: #dfe6ec;
  font: 19px/1.2 "Noto Sans CJK SC", sans-serif;
  display: grid; grid-template: 64px 1fr 56px / 340px 1fr 340px; overflow: hidden; }
header, footer { grid-column: 1 / -1; background: #2c3640; display: flex; align-items: center; gap: 40px;
  padding: 0 24px; }
header b { font-size: 26px; font-weight: 500; }
footer span { border: 1px solid #4a5865; padding: 6px 22px; border-radius: 4px; background: #36424e; }
section { padding: 22px 18px; } h2 { font-size: 22px; font-weight: 500; color: #7fc4ff; margin: 0 0 18px; }
dl { display: grid; grid-template-columns: 96px 1fr 84px; gap: 12px 8px; align-items: center; }
dt { color: #9fb0bf; }
dd.v { background: #11161b; border: 1px solid #3a4652; padding: 6px 10px; height: 37px; }
dd.u { color: #9fb0bf; }
main { background: #000; } img { width: 1240px; height: 960px; display: block; }
"""


def said(exam: int) -> Mapping[str, str]:
    """What an exam shows, by keyword."""
    return {row.keyword: row.values[exam] for row in (*PATIENT, *EXPOSURE)}


def html(exam: int, radiograph: Grey | None = None) -> str:
    """The page of one exam: 0 to 3; with a drawn radiograph, or this one, fitted into the image box."""

    def rows(listed: Sequence[Row]) -> str:
        return "".join(
            f"<dt>{escape(row.label)}</dt><dd class=v>{escape(row.values[exam])}</dd><dd class=u>{row.unit}</dd>"
            for row in listed
        )

    large = _fitted(radiograph if radiograph is not None else film(exam))
    picture = base64.b64encode(cv2.imencode(".jpg", large, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()).decode()
    return (
        f"<!doctype html><meta charset=utf-8><style>{_STYLE}</style>"
        "<header><b>DR 数字化摄影系统</b><span>曝光工作站</span>"
        f"</header><section><h2>患者信息</h2><dl>{rows(PATIENT)}</dl></section>"
        f'<main><img src="data:image/jpeg;base64,{picture}"></main>'
        f"<section><h2>曝光参数</h2><dl>{rows(EXPOSURE)}</dl></section>"
        "<footer><span>接受</span><span>拒绝</span><span>重拍</span><span>打印</span><span>结束检查</span></footer>"
    )


def _fitted(radiograph: Grey) -> Grey:
    """On black, its shape kept."""
    height, width = radiograph.shape
    scale = min(1240 / width, 960 / height)
    small = cv2.resize(radiograph, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    large = np.zeros((960, 1240), np.uint8)
    top, left = (960 - small.shape[0]) // 2, (1240 - small.shape[1]) // 2
    large[top : top + small.shape[0], left : left + small.shape[1]] = small
    return large
