"""What a field of a screen can mean: DICOM keywords with names an engineer knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from capture.screen.template import FieldKind
from capture.text import Bilingual

Group = Literal["patient", "exam", "technique", "device"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """One choice in the list of names, and what a field of that name usually is."""

    keyword: str
    group: Group
    kind: FieldKind
    label: Bilingual
    identifying: bool = False


def _all(group: Group, *rows: tuple[str, FieldKind, str, str], identifying: bool = False) -> list[Meaning]:
    return [Meaning(keyword, group, kind, Bilingual(zh, en), identifying) for keyword, kind, zh, en in rows]


_MEANINGS = [
    *_all(
        "patient",
        ("PatientID", "id", "患者编号", "Patient ID"),
        ("PatientName", "name", "患者姓名", "Patient name"),
        ("PatientBirthDate", "date", "出生日期", "Birth date"),
        ("AccessionNumber", "id", "检查号", "Accession number"),
        ("OperatorsName", "name", "操作技师", "Technologist"),
        ("RequestedProcedureID", "id", "申请单号", "Requested procedure"),
        identifying=True,
    ),
    *_all(
        "patient",
        ("PatientSex", "choice", "性别", "Sex"),
        ("PatientAge", "text", "年龄", "Age"),
    ),
    *_all(
        "exam",
        ("BodyPartExamined", "text", "检查部位", "Body part"),
        ("ViewPosition", "text", "投照体位", "View"),
        ("ImageLaterality", "choice", "侧别", "Side"),
        ("PatientPosition", "choice", "患者体位", "Patient position"),
        ("StudyDescription", "text", "检查描述", "Study description"),
        ("SeriesDescription", "text", "序列描述", "Series description"),
        ("ProtocolName", "text", "协议", "Protocol"),
        ("StudyDate", "date", "检查日期", "Study date"),
        ("StudyTime", "time", "检查时间", "Study time"),
        ("AcquisitionDate", "date", "采集日期", "Acquisition date"),
        ("AcquisitionTime", "time", "采集时间", "Acquisition time"),
        ("SeriesNumber", "number", "序列号", "Series number"),
        ("InstanceNumber", "number", "图像号", "Image number"),
        ("ContrastBolusAgent", "text", "对比剂", "Contrast agent"),
    ),
    *_all(
        "technique",
        ("KVP", "number", "管电压", "Tube voltage (kV)"),
        ("XRayTubeCurrent", "number", "管电流", "Tube current (mA)"),
        ("ExposureTime", "number", "曝光时间", "Exposure time"),
        ("Exposure", "number", "曝光量", "Exposure (mAs)"),
        ("ExposureIndex", "number", "曝光指数 EI", "Exposure index EI"),
        ("TargetExposureIndex", "number", "目标曝光指数 EIT", "Target exposure index EIT"),
        ("DeviationIndex", "number", "偏差指数 DI", "Deviation index DI"),
        ("Sensitivity", "number", "感光度 S", "Sensitivity S"),
        ("ImageAndFluoroscopyAreaDoseProduct", "number", "剂量面积乘积 DAP", "Dose area product DAP"),
        ("EntranceDoseInmGy", "number", "入射剂量", "Entrance dose"),
        ("DistanceSourceToDetector", "number", "源像距 SID", "Source to detector SID"),
        ("DistanceSourceToPatient", "number", "源皮距", "Source to patient"),
        ("Grid", "text", "滤线栅", "Grid"),
        ("CompressionForce", "number", "压迫力", "Compression force"),
        ("BodyPartThickness", "number", "压迫厚度", "Thickness"),
        ("SliceThickness", "number", "层厚", "Slice thickness"),
        ("SpacingBetweenSlices", "number", "层间距", "Slice spacing"),
        ("ConvolutionKernel", "text", "卷积核", "Kernel"),
        ("ReconstructionDiameter", "number", "重建视野 DFOV", "Field of view DFOV"),
        ("SpiralPitchFactor", "number", "螺距", "Pitch"),
        ("RevolutionTime", "number", "旋转时间", "Rotation time"),
        ("TotalCollimationWidth", "number", "准直宽度", "Collimation"),
        ("GantryDetectorTilt", "number", "机架倾角", "Gantry tilt"),
        ("CTDIvol", "number", "CTDIvol", "CTDIvol"),
        ("RepetitionTime", "number", "重复时间 TR", "Repetition time TR"),
        ("EchoTime", "number", "回波时间 TE", "Echo time TE"),
        ("InversionTime", "number", "反转时间 TI", "Inversion time TI"),
        ("FlipAngle", "number", "翻转角", "Flip angle"),
        ("MagneticFieldStrength", "number", "磁场强度", "Field strength"),
        ("NumberOfAverages", "number", "激励次数", "Averages"),
        ("MechanicalIndex", "number", "机械指数 MI", "Mechanical index MI"),
    ),
    *_all(
        "device",
        ("StationName", "text", "设备名称", "Station name"),
        ("InstitutionName", "text", "医院名称", "Institution"),
        ("SoftwareVersions", "text", "软件版本", "Software"),
    ),
]
MEANINGS: Mapping[str, Meaning] = {one.keyword: one for one in _MEANINGS}

WITNESSES = frozenset(
    {
        "InstanceNumber", "AcquisitionTime", "KVP", "XRayTubeCurrent", "ExposureTime", "Exposure", "ExposureIndex",
        "DeviationIndex", "ImageAndFluoroscopyAreaDoseProduct", "EntranceDoseInmGy",
    }
)  # fmt: skip
"""Of these one or another changes with every new image."""

GROUPS: Mapping[Group, Bilingual] = {
    "patient": Bilingual("患者", "Patient"),
    "exam": Bilingual("检查", "Exam"),
    "technique": Bilingual("技术参数", "Technique"),
    "device": Bilingual("设备", "Device"),
}


def means(keyword: str) -> Bilingual:
    """The name people know; a name of one's own as it is."""
    found = MEANINGS.get(keyword)
    return found.label if found else Bilingual(keyword, keyword)
