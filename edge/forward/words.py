"""What a queue's last answer means, and what to do about it."""

from __future__ import annotations

from capture.dicom.unreached import reasons
from capture.text import Bilingual

_OWN = {
    "no answer": Bilingual("发送中连接中断或未答复", "The connection was lost over it, or no answer came"),
    "unreadable": Bilingual("文件不是可读的 DICOM 对象", "It cannot be read as DICOM"),
    "too old": Bilingual("等待过久，已放弃", "Given up for its age"),
    "no destination": Bilingual("配置中已无此目的地", "Its destination is no longer in the configuration"),
}
_STATUS = {
    "0000": Bilingual("成功", "Success"),
    "0106": Bilingual("属性值无效", "An attribute's value is not valid"),
    "0110": Bilingual("处理失败", "Processing failure"),
    "0111": Bilingual("已有此实例", "It is there already"),
    "0112": Bilingual("没有此实例", "No such instance"),
    "0120": Bilingual("缺少属性", "An attribute is missing"),
    "0122": Bilingual("不支持此 SOP 类", "SOP class not supported"),
    "0124": Bilingual("未获授权", "Not authorized"),
    "0213": Bilingual("资源不足", "Resource limitation"),
}
"""PS3.7 annex C."""
_STORE = {
    "A7": Bilingual("资源不足", "Out of resources"),
    "A9": Bilingual("数据集与 SOP 类不符", "The data set does not fit its SOP class"),
    "B0": Bilingual("已接收，有警告", "Taken, with a warning"),
    "C": Bilingual("无法理解此对象", "The object is not understood"),
}
"""PS3.4 table B.2-1, by how a status begins."""


def meaning(code: str) -> Bilingual | None:
    """Of a code in a queue; None when there is none, or the standard gives it none."""
    if code in reasons():
        return reasons()[code].text
    return _OWN.get(code) or _STATUS.get(code) or next((v for k, v in _STORE.items() if code.startswith(k)), None)


def hint(code: str) -> Bilingual:
    """What to do about it."""
    if code in reasons():
        return reasons()[code].hint
    return Bilingual(
        "检查对方的日志；修复后运行 qcbox forward retry",
        "Look at the peer's log; mend it, then qcbox forward retry",
    )
