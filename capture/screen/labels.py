"""From the label beside a value to the DICOM keyword it probably is: what the teaching page suggests.

The engineer decides. A label is compared in small letters, without spaces, dots, colons and underscores.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from capture.screen.template import FieldKind
from capture.screen.tokens import plain


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a label says of its value. ``low`` and ``high``: what is physically sensible, in DICOM's unit."""

    keyword: str
    kind: FieldKind
    identifying: bool = False
    low: float | None = None
    high: float | None = None


_TABLE: tuple[tuple[Meaning, str], ...] = (
    (Meaning("PatientID", "id", True), "患者编号 患者id 患者号 病人编号 病人id 病历号 patientid pid id mrn"),
    (Meaning("PatientName", "name", True), "姓名 患者姓名 病人姓名 英文名 拼音 name patientname patient pname"),
    (Meaning("PatientBirthDate", "date", True), "出生日期 生日 出生 birthdate dateofbirth dob birth"),
    (Meaning("PatientSex", "choice"), "性别 sex gender"),
    (Meaning("PatientAge", "number"), "年龄 age"),
    (Meaning("AccessionNumber", "id", True), "检查号 检查编号 影像号 放射号 超声号 accession accno acc"),
    (Meaning("RequestedProcedureID", "id", True), "申请单号 申请号 requestno orderno"),
    (Meaning("OperatorsName", "name", True), "技师 操作者 操作技师 检查医生 医生 operator technologist tech"),
    (Meaning("InstitutionName", "text", True), "医院 医院名称 机构 hospital institution"),
    (Meaning("SoftwareVersions", "text"), "软件版本 software"),
    (Meaning("ContrastBolusAgent", "text"), "对比剂 contrast"),
    (Meaning("StationName", "text"), "设备 设备名称 机房 station"),
    (Meaning("StudyDate", "date", True), "检查日期 日期 studydate examdate date"),
    (Meaning("StudyTime", "time"), "检查时间 时间 studytime examtime time"),
    (Meaning("AcquisitionDate", "date", True), "采集日期 acquisitiondate"),
    (Meaning("AcquisitionTime", "time"), "采集时间 acquisitiontime"),
    (Meaning("BodyPartExamined", "text"), "部位 检查部位 体位部位 bodypart anatomy"),
    (Meaning("ViewPosition", "text"), "体位 投照体位 投照位 view viewposition projection"),
    (Meaning("ImageLaterality", "choice"), "侧别 左右 side laterality"),
    (Meaning("PatientPosition", "choice"), "患者体位 patientposition"),
    (Meaning("ProtocolName", "text"), "协议 程序 检查程序 扫描协议 protocol program"),
    (Meaning("StudyDescription", "text"), "检查描述 检查项目 项目 study studydescription exam"),
    (Meaning("SeriesDescription", "text"), "序列描述 序列 series seriesdescription"),
    (Meaning("SeriesNumber", "number", False, 0), "序列号 seriesno se"),
    (Meaning("InstanceNumber", "number", False, 0), "图像号 imageno im img image"),
    (Meaning("KVP", "number", False, 10, 200), "管电压 电压 kv kvp tubevoltage"),
    (Meaning("XRayTubeCurrent", "number", False, 0.1, 2000), "管电流 电流 ma tubecurrent"),
    (Meaning("ExposureTime", "number", False, 0.1, 60000), "曝光时间 exposuretime exptime ms"),
    (Meaning("Exposure", "number", False, 0.01, 5000), "电流时间积 曝光量 毫安秒 管电流时间积 mas exposure"),
    (Meaning("ExposureIndex", "number", False, 0, 100000), "曝光指数 ei exposureindex exi"),
    (Meaning("TargetExposureIndex", "number", False, 0, 100000), "目标曝光指数 eit tei targetei"),
    (Meaning("DeviationIndex", "number", False, -50, 50), "偏差指数 di deviationindex"),
    (Meaning("Sensitivity", "number", False, 0), "感光度 s值 s svalue"),
    (Meaning("ImageAndFluoroscopyAreaDoseProduct", "number", False, 0), "剂量面积乘积 面积剂量乘积 dap kap"),
    (Meaning("EntranceDoseInmGy", "number", False, 0), "入射剂量 空气比释动能 参考点剂量 airkerma ak ka,r"),
    (Meaning("DistanceSourceToDetector", "number", False, 300, 4000), "源像距 sid ffd fdd 焦片距"),
    (Meaning("DistanceSourceToPatient", "number", False, 100, 3000), "源皮距 ssd sod"),
    (Meaning("Grid", "text"), "滤线栅 grid"),
    (Meaning("CompressionForce", "number", False, 0, 300), "压迫力 压力 compression force"),
    (Meaning("BodyPartThickness", "number", False, 0, 600), "压迫厚度 乳房厚度 thickness"),
    (Meaning("SliceThickness", "number", False, 0.05, 100), "层厚 slice slicethickness thk"),
    (Meaning("SpacingBetweenSlices", "number", False, -100, 100), "层间距 间隔 spacing interval"),
    (Meaning("ConvolutionKernel", "text"), "卷积核 重建核 滤波函数 kernel filter recon"),
    (Meaning("ReconstructionDiameter", "number", False, 20, 1000), "重建视野 视野 dfov fov"),
    (Meaning("SpiralPitchFactor", "number", False, 0.05, 5), "螺距 pitch"),
    (Meaning("RevolutionTime", "number", False, 0.1, 10), "旋转时间 转速 rottime rotationtime rotation"),
    (Meaning("TotalCollimationWidth", "number", False, 0.1, 400), "准直 准直宽度 collimation"),
    (Meaning("GantryDetectorTilt", "number", False, -45, 45), "机架倾角 倾角 tilt gantrytilt"),
    (Meaning("CTDIvol", "number", False, 0, 2000), "ctdivol ctdi"),
    (Meaning("doseLengthProduct", "number", False, 0), "dlp 剂量长度乘积"),
    (Meaning("MechanicalIndex", "number", False, 0, 3), "mi 机械指数"),
    (Meaning("thermalIndex", "number", False, 0, 10), "ti tis tib tic 热指数"),
    (Meaning("frequency", "number", False, 0.5, 60), "f freq frequency frq 频率"),
    (Meaning("depth", "number", False, 0, 600), "d depth dep 深度"),
    (Meaning("gain", "number", False, -200, 300), "g gn gain 增益"),
    (Meaning("frameRate", "number", False, 0, 5000), "fr fps 帧率 帧频 framerate"),
    (Meaning("dynamicRange", "number", False, 0, 500), "dr 动态范围"),
    (Meaning("fluoroscopyTime", "time"), "透视时间 fluorotime fluoro"),
    (Meaning("RepetitionTime", "number", False, 0), "tr 重复时间"),
    (Meaning("EchoTime", "number", False, 0), "te 回波时间"),
    (Meaning("InversionTime", "number", False, 0), "反转时间"),
    (Meaning("NumberOfAverages", "number", False, 0), "激励次数 nex nsa"),
    (Meaning("FlipAngle", "number", False, 0, 360), "翻转角 flipangle fa"),
    (Meaning("MagneticFieldStrength", "number", False, 0, 20), "磁场强度 fieldstrength"),
)  # fmt: skip

OF_KEYWORD = {meaning.keyword: meaning for meaning, _ in _TABLE}
"""What a field of a keyword usually is."""
FREEZE = frozenset({"FROZEN", "FREEZE", "LIVE", "冻结", "实时"})
"""Words by which an ultrasound machine says whether its picture moves."""


def meaning(label: str) -> Meaning | None:
    """What a value beside ``label`` probably is. Also for a label with its unit: 管电压(kV)."""
    said = _normal(label)
    return _MEANINGS.get(said) or _MEANINGS.get(re.sub(r"\(.*\)$", "", said))


def _normal(label: str) -> str:
    """Small letters without marks; what a reader takes for each other (l, I and 1; O and 0; 别 and 別) as one."""
    said = re.sub(r"[\s.:·_/*#]", "", plain(label)).lower()
    return said.translate(_ONE)


_ONE = str.maketrans("l10別", "iio别")
_MEANINGS = {_normal(label): meaning for meaning, labels in _TABLE for label in labels.split()}
