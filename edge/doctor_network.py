"""Ports and the way to the centre, for the doctor."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from capture.text import Bilingual
from edge.check import Check
from edge.settings import Settings

_PATIENCE_S = 3.0


def ports(settings: Settings) -> Iterator[Check]:
    """Where images come in, and where people look."""
    yield _port("dicom port", settings.dicom.host, settings.dicom.port, "qcbox listen")
    yield _port("console port", settings.console.host, settings.console.port, "qcbox agent")


def broker(settings: Settings) -> Iterator[Check]:
    """The way to the centre."""
    link = settings.link
    where = f"{link.host}:{link.port}"
    if not link.enabled:
        yield Check("broker", "ok", Bilingual("未启用上传中心", "Sending to a centre is switched off"))
    elif _answers(link.host, link.port):
        yield Check("broker", "ok", Bilingual(f"消息服务 {where} 有应答", f"The broker {where} answers"))
    else:
        text = Bilingual(f"消息服务 {where} 没有应答", f"The broker {where} does not answer")
        hint = Bilingual(
            "检查网络和防火墙；结果存于本盒，恢复后自动补传",
            "Look at network and firewall; results wait here and are sent when it is back",
        )
        yield Check("broker", "warning", text, hint)


def _port(name: str, host: str, port: int, program: str) -> Check:
    """Somebody answers, or it could be bound; either is well."""
    if _answers("127.0.0.1" if host in ("0.0.0.0", "::") else host, port):  # noqa: S104 - compared, not bound
        return Check(name, "ok", Bilingual(f"端口 {port} 有应答", f"Port {port} answers"))
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            text = Bilingual(
                f"端口 {port} 空闲，{program} 未运行", f"Port {port} is free: {program} is not running"
            )
            return Check(name, "warning", text, Bilingual(f"启动 {program}", f"Start {program}"))
    except OSError:
        text = Bilingual(f"端口 {port} 无法使用", f"Port {port} cannot be used")
        return Check(name, "failed", text, Bilingual("换端口或赋予权限", "Choose another port, or give the right"))


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=_PATIENCE_S):
            return True
    except OSError:
        return False
