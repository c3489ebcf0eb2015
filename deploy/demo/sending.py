"""The demo's imaging device: DCMTK's storescu, unmodified."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from capture.errors import Retry
from capture.text import Bilingual

PROPOSE = {
    "1.2.840.10008.1.2.1.99": "-xd",
    "1.2.840.10008.1.2.4.50": "-xy",
    "1.2.840.10008.1.2.4.51": "-xx",
    "1.2.840.10008.1.2.4.70": "-xs",
    "1.2.840.10008.1.2.4.80": "-xt",
    "1.2.840.10008.1.2.4.81": "-xu",
    "1.2.840.10008.1.2.4.90": "-xv",
    "1.2.840.10008.1.2.4.91": "-xw",
    "1.2.840.10008.1.2.5": "-xr",
}
"""storescu proposes uncompressed transfer syntaxes unless told which compressed one to offer."""


def storescu(port: int, TransferSyntaxUID: str, paths: Sequence[Path], calling_ae: str = "DEMO-DEVICE") -> None:
    """Send files of one transfer syntax in one association to the box on this machine.

    Raises:
        Retry: the receiver refused or the connection broke; the files can be sent again.
    """
    option = PROPOSE.get(TransferSyntaxUID)
    command = ["storescu", "-R", "-aet", calling_ae, "-aec", "QCBOX", *([option] if option else [])]
    sent = subprocess.run(  # noqa: S603 - our own arguments, no shell
        [*command, "127.0.0.1", str(port), *map(str, paths)], capture_output=True, text=True, timeout=300
    )
    if sent.returncode != 0:
        raise Retry(
            "demo.not_sent",
            Bilingual(f"storescu 返回 {sent.returncode}", f"storescu ended with {sent.returncode}"),
            Bilingual("查看 listener.log", f"see listener.log; {sent.stderr.strip()[-300:]}"),
        )
