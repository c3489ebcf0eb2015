"""Why a peer that we call gives us no association, in words that say what to mend."""

from __future__ import annotations

import ssl
from functools import cache
from typing import TYPE_CHECKING

from capture.errors import Retry
from capture.text import Bilingual

if TYPE_CHECKING:
    from pynetdicom.association import Association

_EXPIRED, _NOT_YET = 10, 9
_OTHER_NAME = (62, 64)
"""X509_V_ERR_...: codes of OpenSSL's verification (x509_vfy.h)."""
_OURS = ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED", "DECRYPT_ERROR", "HANDSHAKE_FAILURE")
"""Alerts with which a peer turns down what we showed (RFC 8446 6.2)."""


@cache
def reasons() -> dict[str, Retry]:
    """Every reason by its code, as pages and commands show it."""
    each = (
        _reason(
            "peer.unreachable",
            zh="对方没有应答", en="The peer does not answer",
            zh_hint="检查地址、端口、防火墙，以及对方是否在运行",
            en_hint="Check address, port, firewall, and that it runs",
        ),
        _reason(
            "peer.no_host",
            zh="对方的主机名无法解析", en="The peer's host name is not known",
            zh_hint="检查主机名和 DNS，或改写 IP 地址", en_hint="Check name and DNS, or write the IP address",
        ),
        _reason(
            "peer.rejected",
            zh="对方拒绝关联", en="The peer rejects the association",
            zh_hint="在对方登记本盒的 AE Title 和地址；核对 ae_title 与 own_ae_title",
            en_hint="Enter the box's AE title and address at the peer; compare ae_title and own_ae_title",
        ),
        _reason(
            "peer.no_context",
            zh="对方不接受所提议的 SOP 类或传输语法",
            en="The peer takes none of the SOP classes or transfer syntaxes",
            zh_hint="在对方启用该 SOP 类", en_hint="Enable the SOP class at the peer",
        ),
        _reason(
            "peer.no_answer",
            zh="连接后对方没有答复关联请求", en="The peer was reached but did not answer the request",
            zh_hint="若对方只接受 TLS，请设置 tls；否则查看对方日志",
            en_hint="If it wants TLS, set tls; else look at its log",
        ),
        _reason(
            "peer.tls",
            zh="与对方的 TLS 握手失败", en="The TLS handshake with the peer fails",
            zh_hint="检查该端口是否为 TLS 端口，对方是否支持 TLS 1.2 以上",
            en_hint="Check that this is its TLS port, and that it speaks TLS 1.2 or later",
        ),
        _reason(
            "peer.own_certificate",
            zh="对方不接受本盒的证书", en="The peer does not take the box's certificate",
            zh_hint="设置 tls.certificate 与 tls.key，并让对方信任签发它的机构",
            en_hint="Set tls.certificate and tls.key, and have the peer believe the authority that signed it",
        ),
        _reason(
            "peer.own_files",
            zh="tls 的证书、私钥或机构文件无法使用",
            en="The files of certificate, key or authority cannot be used",
            zh_hint="检查路径、权限与内容：PEM，私钥无口令且与证书相符",
            en_hint="Check path, rights and content: PEM, a key without a password that fits the certificate",
        ),
        _reason(
            "peer.certificate",
            zh="对方的证书不是由所设机构签发", en="The peer's certificate is not of the authority that is set",
            zh_hint="将签发它的机构证书写入 tls.ca；qcbox forward check 显示是哪个机构",
            en_hint="Put the authority that signed it into tls.ca; qcbox forward check shows which one it is",
        ),
        _reason(
            "peer.certificate_name",
            zh="对方的证书写的是另一个名称", en="The peer's certificate is for another name",
            zh_hint="核对是否连到了正确的机器；若是，将证书上的名称写入 tls.name",
            en_hint="Make sure that it is the right machine; then set tls.name to a name on the certificate",
        ),
        _reason(
            "peer.certificate_time",
            zh="对方的证书已过期或尚未生效", en="The peer's certificate has expired or is not valid yet",
            zh_hint="更新对方的证书；检查两边的时钟", en_hint="Renew it at the peer; check both clocks",
        ),
    )  # fmt: skip
    return {one.code: one for one in each}


def no_such_host() -> Retry:
    """Its name leads nowhere."""
    return reasons()["peer.no_host"]


def own_files(setting: str, error: OSError) -> Retry:
    """The PEM files that the settings name."""
    said = error.reason if isinstance(error, ssl.SSLError) else error.strerror
    return _more("peer.own_files", f"{setting}: {said or type(error).__name__}".lower().replace("_", " "))


def certificate_unfit(error: ssl.SSLCertVerificationError) -> Retry:
    """What OpenSSL finds wrong with the peer's certificate."""
    code = error.verify_code
    if code in _OTHER_NAME:
        return _more("peer.certificate_name", error.verify_message)
    if code in (_EXPIRED, _NOT_YET):
        return _more("peer.certificate_time", error.verify_message)
    return _more("peer.certificate", error.verify_message)


def of_tls(error: OSError) -> Retry:
    """Any other end of a handshake."""
    said = (isinstance(error, ssl.SSLError) and error.reason) or ""
    ours = "ALERT" in said and any(word in said for word in _OURS)
    return _more("peer.own_certificate" if ours else "peer.tls", said.lower().replace("_", " "))


def of_association(association: Association, reached: bool) -> Retry:
    """What the peer answered the request, if it was reached."""
    said = association.acceptor.primitive
    if association.is_rejected and said is not None:
        return _more("peer.rejected", f"{said.result_str}, {said.reason_str}")
    if association.rejected_contexts:  # pynetdicom aborts when no context was accepted
        return reasons()["peer.no_context"]
    return reasons()["peer.no_answer" if reached else "peer.unreachable"]


def _more(code: str, said: str) -> Retry:
    """The reason with the words of the library or the peer, which hold no value of anybody's."""
    one = reasons()[code]
    if not said:
        return one
    return Retry(code, Bilingual(f"{one.text.zh}（{said}）", f"{one.text.en}: {said}"), one.hint)


def _reason(code: str, zh: str, en: str, zh_hint: str, en_hint: str) -> Retry:
    return Retry(code, Bilingual(zh, en), Bilingual(zh_hint, en_hint))
