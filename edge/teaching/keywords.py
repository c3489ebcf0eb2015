"""What a field of a screen can mean: DICOM keywords with names an engineer knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from capture.screen import labels
from capture.text import Bilingual

Group = Literal["patient", "exam", "technique", "device"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """One choice in the list of names, and what a field of that name usually is."""

    keyword: str
    group: Group
    label: Bilingual
    usual: labels.Meaning
    """What a field of that name usually holds."""


def _all(group: Group, *rows: tuple[str, str, str]) -> list[Meaning]:
    return [Meaning(keyword, group, Bilingual(zh, en), labels.OF_KEYWORD[keyword]) for keyword, zh, en in rows]


_MEANINGS = [
    *_all(
        "patient",
        ("PatientID", "患者编号", "Patient ID"),
        ("PatientName", "患者姓名", "Patient name"),
        ("PatientBirthDate", "出生日期", "Birth date"),
        ("AccessionNumber", "检查号", "Accession number"),
        ("OperatorsName", "操作技师", "Technologist"),
        ("RequestedProcedureID", "申请单号", "Requested procedure"),
        ("PatientSex", "性别", "Sex"),
        ("PatientAge", "年龄", "Age"),
    ),
    *_all(
        "exam",
        ("BodyPartExamined", "检查部位", "Body part"),
        ("ViewPosition", "投照体位", "View"),
        ("ImageLaterality", "侧别", "Side"),
        ("PatientPosition", "患者体位", "Patient position"),
        ("StudyDescription", "检查描述", "Study description"),
        ("SeriesDescription", "序列描述", "Series description"),
        ("ProtocolName", "协议", "Protocol"),
        ("StudyDate", "检查日期", "Study date"),
        ("StudyTime", "检查时间", "Study time"),
        ("AcquisitionDate", "采集日期", "Acquisition date"),
        ("AcquisitionTime", "采集时间", "Acquisition time"),
        ("SeriesNumber", "序列号", "Series number"),
        ("InstanceNumber", "图像号", "Image number"),
        ("ContrastBolusAgent", "对比剂", "Contrast agent"),
    ),
    *_all(
        "technique",
        ("KVP", "管电压", "Tube voltage (kV)"),
        ("XRayTubeCurrent", "管电流", "Tube current (mA)"),
        ("ExposureTime", "曝光时间", "Exposure time"),
        ("Exposure", "曝光量", "Exposure (mAs)"),
        ("ExposureIndex", "曝光指数 EI", "Exposure index EI"),
        ("TargetExposureIndex", "目标曝光指数 EIT", "Target exposure index EIT"),
        ("DeviationIndex", "偏差指数 DI", "Deviation index DI"),
        ("Sensitivity", "感光度 S", "Sensitivity S"),
        ("ImageAndFluoroscopyAreaDoseProduct", "剂量面积乘积 DAP", "Dose area product DAP"),
        ("EntranceDoseInmGy", "入射剂量", "Entrance dose"),
        ("DistanceSourceToDetector", "源像距 SID", "Source to detector SID"),
        ("DistanceSourceToPatient", "源皮距", "Source to patient"),
        ("Grid", "滤线栅", "Grid"),
        ("CompressionForce", "压迫力", "Compression force"),
        ("BodyPartThickness", "压迫厚度", "Thickness"),
        ("SliceThickness", "层厚", "Slice thickness"),
        ("SpacingBetweenSlices", "层间距", "Slice spacing"),
        ("ConvolutionKernel", "卷积核", "Kernel"),
        ("ReconstructionDiameter", "重建视野 DFOV", "Field of view DFOV"),
        ("SpiralPitchFactor", "螺距", "Pitch"),
        ("RevolutionTime", "旋转时间", "Rotation time"),
        ("TotalCollimationWidth", "准直宽度", "Collimation"),
        ("GantryDetectorTilt", "机架倾角", "Gantry tilt"),
        ("CTDIvol", "CTDIvol", "CTDIvol"),
        ("RepetitionTime", "重复时间 TR", "Repetition time TR"),
        ("EchoTime", "回波时间 TE", "Echo time TE"),
        ("InversionTime", "反转时间 TI", "Inversion time TI"),
        ("FlipAngle", "翻转角", "Flip angle"),
        ("MagneticFieldStrength", "磁场强度", "Field strength"),
        ("NumberOfAverages", "激励次数", "Averages"),
        ("MechanicalIndex", "机械指数 MI", "Mechanical index MI"),
    ),
    *_all(
        "device",
        ("StationName", "设备名称", "Station name"),
        ("InstitutionName", "医院名称", "Institution"),
        ("SoftwareVersions", "软件版本", "Software"),
    ),
]
MEANINGS: Mapping[str, Meaning] = {one.keyword: one for one in _MEANINGS}

WITNESSES = frozenset(
    {
        "InstanceNumber", "AcquisitionTime", "ExposureTime", "Exposure", "ExposureIndex", "DeviationIndex",
        "ImageAndFluoroscopyAreaDoseProduct", "EntranceDoseInmGy",
    }
)  # fmt: skip
"""Of these one or another changes with every new image. Not kV and mA: a technologist seldom changes them."""

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
