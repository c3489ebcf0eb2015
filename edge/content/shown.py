"""States and reasons of signed content in words, for page and command line."""

from __future__ import annotations

from capture.text import Bilingual
from cloud_sync.updates.refusals import REASONS
from cloud_sync.wire.words import ContentState

_S = ContentState
STATES: dict[ContentState, Bilingual] = {
    _S.ASSIGNED: Bilingual("等待获取", "waits to be fetched"),
    _S.STAGED: Bilingual("已获取", "fetched"),
    _S.VERIFIED: Bilingual("签名已验证", "signatures verified"),
    _S.TESTED: Bilingual("自检通过", "self-test passed"),
    _S.SHADOW: Bilingual("对照试判", "judges in the shadow"),
    _S.PROBATION: Bilingual("观察期", "in probation"),
    _S.COMMITTED: Bilingual("已确认", "committed"),
    _S.SUPERSEDED: Bilingual("已被取代", "superseded"),
    _S.CANCELLED: Bilingual("已取消", "cancelled"),
    _S.REJECTED: Bilingual("不适用于本机", "not for this box"),
    _S.FAILED_VERIFY: Bilingual("签名验证失败", "failed verification"),
    _S.FAILED_SELFTEST: Bilingual("自检失败", "failed its self-test"),
    _S.ROLLED_BACK: Bilingual("已撤回", "rolled back"),
    _S.UNKNOWN: Bilingual("未知", "unknown"),
}
_REASONS: dict[str, Bilingual] = {
    "content.room": Bilingual("磁盘空间不足", "No room on the disk"),
    "content.disk": Bilingual("磁盘写入失败", "The disk cannot be written"),
    "content.no_way": Bilingual("没有配置获取途径", "No way to fetch it is set up"),
    "content.missing": Bilingual("文件不在本机", "The file is not here"),
    "content.mislabelled": Bilingual("内容与签名清单的名称不符", "It is not what the signed list calls it"),
    "content.unready": Bilingual("判定进程无法用它启动", "The workers do not start with it"),
    "content.person": Bilingual("由人撤回", "Taken back by a person"),
    "selftest.time": Bilingual("自检超时", "The self-test took too long"),
    "selftest.memory": Bilingual("自检占用内存过多", "The self-test wanted too much memory"),
    "selftest.crash": Bilingual("自检进程崩溃", "The self-test crashed"),
    "probation.crashes": Bilingual("十分钟内多次崩溃", "Crashes within ten minutes"),
    "probation.boots": Bilingual("观察期内两次异常重启", "Two unclean restarts in probation"),
    "probation.errors": Bilingual("测量失败过多", "Too many failed measures"),
    "probation.slow": Bilingual("判定过慢", "Judging takes too long"),
    "probation.alerts": Bilingual("报警率与此前相差过大", "The alert rate is far from what it was"),
}


def reason(code: str) -> Bilingual:
    """What a code says; a code of a package stands for itself, its detail says the rest."""
    if code.startswith("trust."):
        known = REASONS.get(code.removeprefix("trust."))
        return Bilingual(*known) if known else Bilingual(code, code)
    return _REASONS.get(code, Bilingual(code, code))
