"""Why a box is not given what it asks for. Each is said to the field engineer at the box, in both languages."""

from __future__ import annotations

from capture.errors import QcError, SetAside
from capture.text import Bilingual
from cloud_sync.wire.enrolment import Problem

_NEW_TOKEN = Bilingual(
    "请中心管理员为这台盒子发新令牌", "Ask the centre's administrator for a new token for this box"
)
_TO_CENTRE = Bilingual("请立即联系中心管理员", "Talk to the centre's administrator at once")


def refusal(code: str) -> SetAside:
    """The refusal of this code. Raises StopIteration for a code that is not here."""
    every = (
        SetAside("enrol.token", Bilingual("令牌无效", "The token is not known"), _NEW_TOKEN),
        SetAside("enrol.token_expired", Bilingual("令牌已过期", "The token has expired"), _NEW_TOKEN),
        SetAside(
            "enrol.token_used",
            Bilingual("令牌已被另一把密钥使用，已报警", "The token was used with another key; an alarm is raised"),
            Bilingual(
                "若盒子刚重装，请中心发新令牌；否则令牌可能已泄露",
                "If the box was just reinstalled, ask for a new token; if not, somebody else has seen this one",
            ),
        ),
        SetAside(
            "enrol.serial",
            Bilingual("令牌不是给这台机器的（序列号不符）", "The token is for another machine (serial number)"),
            Bilingual(
                "核对铭牌序列号，必要时用 --serial 给出；或请中心按实际序列号发新令牌",
                "Compare the type plate, give the number with --serial, or ask for a token with the right number",
            ),
        ),
        SetAside("enrol.revoked", Bilingual("这台盒子已被吊销", "This box was taken out of service"), _TO_CENTRE),
        SetAside(
            "enrol.renewed_otherwise",
            Bilingual(
                "该证书已用另一把密钥续期，已报警",
                "This certificate was renewed for another key; an alarm is raised",
            ),
            Bilingual(
                "盒子可能被复制或从旧备份恢复；请中心发新令牌，用 qcbox enrol 重新注册",
                "The box was copied or restored from an old backup; get a new token and run qcbox enrol again",
            ),
        ),
        SetAside(
            "enrol.too_late",
            Bilingual("证书过期太久，不能续期", "The certificate expired too long ago to be renewed"),
            Bilingual("请中心发新令牌，用 qcbox enrol 重新注册", "Get a new token and run qcbox enrol again"),
        ),
        SetAside(
            "enrol.proof", Bilingual("旧密钥的证明无效", "The proof of the old key does not hold"), _NEW_TOKEN
        ),
        SetAside(
            "enrol.certificate",
            Bilingual("此处需要有效的客户端证书", "A valid client certificate is needed here"),
            Bilingual("先注册：qcbox enrol", "Enrol first: qcbox enrol"),
        ),
        SetAside(
            "enrol.other_box",
            Bilingual("证书或请求属于另一台盒子", "The certificate or the request is another box's"),
            Bilingual("请中心发新令牌，用 qcbox enrol 重新注册", "Get a new token and run qcbox enrol again"),
        ),
        SetAside(
            "enrol.copied",
            Bilingual(
                "有告警表明这台盒子可能被复制，不经消息服务续期",
                "An alarm says that this box may have been copied: no renewal through the broker",
            ),
            Bilingual(
                "请中心管理员查明，并当面给真的那台新令牌",
                "The centre's administrator finds out, and gives the real one a new token in person",
            ),
        ),
        SetAside(
            "enrol.too_often",
            Bilingual("请求过于频繁", "This box asks too often"),
            Bilingual("十分钟后自动重试", "It is tried again by itself in ten minutes"),
        ),
        SetAside(
            "enrol.too_long",
            Bilingual("答复对一条消息来说太长", "The answer is too long for one message"),
            Bilingual("请中心停用旧的颁发机构 (qcbox-central ca retire)", "Retire old authorities there"),
        ),
        SetAside(
            "enrol.unreadable",
            Bilingual("请求无法读取", "The request cannot be read"),
            Bilingual("盒子与中心的版本可能不匹配", "Box and centre may be of versions that do not fit"),
        ),
    )
    return next(one for one in every if one.code == code)


def problem_of(error: QcError) -> Problem:
    """As boxes are told it."""
    text, hint = error.text, error.hint
    return Problem(code=error.code, zh=text.zh, en=text.en, hint_zh=hint.zh, hint_en=hint.en)
