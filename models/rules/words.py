"""The words of closed sets in both languages: one wording for command line, console and centre."""

from __future__ import annotations

from collections.abc import Mapping

from capture.text import Bilingual
from models.measurement import Reason
from models.rules.schema import Group
from models.rules.verdict import Grade, Severity

GRADES: Mapping[Grade | None, Bilingual] = {
    Grade.JIA: Bilingual("甲级", "Grade A"),
    Grade.YI: Bilingual("乙级", "Grade B"),
    Grade.BING: Bilingual("丙级", "Grade C"),
    Grade.FEI: Bilingual("废片", "Grade D"),
    None: Bilingual("未判定", "Not judged"),
}

SEVERITIES: Mapping[Severity, Bilingual] = {
    Severity.VETO: Bilingual("否决", "Veto"),
    Severity.MAJOR: Bilingual("重要", "Major"),
    Severity.MINOR: Bilingual("次要", "Minor"),
    Severity.INFO: Bilingual("提示", "Note"),
}

GROUPS: Mapping[Group, Bilingual] = {
    "position": Bilingual("摆位与范围", "Positioning"),
    "exposure": Bilingual("曝光", "Exposure"),
    "artefact": Bilingual("伪影", "Artefacts"),
    "mark": Bilingual("标识与信息", "Marks and header"),
    "dose": Bilingual("剂量", "Dose"),
}

LAYERS: Mapping[str, Bilingual] = {
    "L0": Bilingual("DICOM 有效性", "DICOM validity"),
    "L1": Bilingual("国家", "national"),
    "L2": Bilingual("行业共识", "industry consensus"),
    "L3": Bilingual("联盟", "consortium"),
    "L4": Bilingual("医院", "hospital"),
    "L5": Bilingual("设备或协议", "device or protocol"),
    "L6": Bilingual("个人", "personal"),
}

_DEFAULT = Bilingual("默认值，尚未核实", "default, not yet verified")
EVIDENCE: Mapping[str, Bilingual] = {
    "V": Bilingual("已在来源中核对", "read in the source"),
    "M": Bilingual("本项目实测", "measured by this project"),
    "mem": _DEFAULT,
    "E": _DEFAULT,
}

REASONS: Mapping[Reason, Bilingual] = {
    Reason.NO_MODEL: Bilingual("未安装模型", "no model installed"),
    Reason.NOT_IN_HEADER: Bilingual("头信息中没有", "not in the header"),
    Reason.INVALID_IN_HEADER: Bilingual("头信息中的值无效", "invalid in the header"),
    Reason.NOT_ON_SCREEN: Bilingual("屏幕上没有或尚未确认", "not on the screen, or not confirmed"),
    Reason.CAPTURE_FAULT: Bilingual("采集线路故障", "a fault of the screen capture"),
    Reason.NO_PIXELS: Bilingual("没有可读的像素", "no readable pixels"),
    Reason.NO_SPACING: Bilingual("没有像素间距", "no pixel spacing"),
    Reason.NOT_APPLICABLE: Bilingual("不适用", "does not apply"),
    Reason.NOT_CONNECTED: Bilingual("系统未连接", "system not connected"),
    Reason.NOT_CONFIGURED: Bilingual("未配置", "not configured"),
    Reason.NO_BASELINE: Bilingual("尚无本机基线", "no baseline yet"),
    Reason.NOT_RELIABLE: Bilingual("此处不可靠", "not reliable here"),
    Reason.TOO_CLOSE: Bilingual("过于接近，无法判定：请自行查看", "too close to tell: look yourself"),
    Reason.UNPROVEN: Bilingual("尚未证实：只显示，不判定", "not proven: shown, not judged"),
    Reason.UNLIKE_TRAINING: Bilingual("图像与训练所用的不同", "unlike what the network learnt from"),
    Reason.FAILED: Bilingual("测量失败", "measurement failed"),
}
