"""A whole qcbox on loopback: broker, centre, receiver and agent as real processes, in one folder."""

from __future__ import annotations

import contextlib
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.peers import Child, Mosquitto, accepts, free_port, python, wait_until

START_PATIENCE_S = 90.0
"""A worker imports its libraries and warms up before the agent says it is ready; slow machines exist."""


@dataclass(frozen=True, slots=True)
class Login:
    """One account of the demo."""

    name: str
    role: str
    secret: str


class Site:
    """Broker, centre and box. Use as a context: entering starts all, leaving stops all."""

    def __init__(self, folder: Path, *, with_centre: bool = True) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder.resolve()
        self.inbox = self.folder / "inbox"
        self.inbox.mkdir(exist_ok=True)
        self.dicom_port, self.console_port, self.centre_port = free_port(), free_port(), free_port()
        self.broker = Mosquitto(self.folder)
        self.box_config = self.folder / "qcbox.toml"
        self.centre_config = self.folder / "central.toml"
        self._write_configs(with_centre)
        self.listener = python("-m", "edge", "listen", *self._config, log=self.folder / "listener.log")
        self.agent = python("-m", "edge", "agent", *self._config, log=self.folder / "agent.log")
        self.centre = python(
            "-m",
            "cloud_sync.central.cli",
            "run",
            "--config",
            str(self.centre_config),
            log=self.folder / "central.log",
        )
        self.watcher = python("-m", "edge", "watch", *self._config, log=self.folder / "watch.log")
        self.children: tuple[Child, ...] = (self.listener, self.watcher, self.agent)
        if with_centre:
            self.children = (self.broker, self.centre, *self.children)
        self.logins: tuple[Login, ...] = ()
        self.centre_login = Login("qc", "qc-group", "")

    @property
    def _config(self) -> tuple[str, str]:
        return "--config", str(self.box_config)

    @property
    def console_url(self) -> str:
        return f"http://127.0.0.1:{self.console_port}"

    @property
    def centre_url(self) -> str:
        return f"http://127.0.0.1:{self.centre_port}"

    def _write_configs(self, with_centre: bool) -> None:
        self.box_config.write_text(
            f'''box = "demo-box"
data_dir = "{self.folder / "box"}"

[site]
name = "Demo"

[spool]
min_free_mb = 64

[dicom]
ae_title = "QCBOX"
host = "127.0.0.1"
port = {self.dicom_port}
open = true

[folder]
path = "{self.inbox}"
poll_s = 0.2
still_s = 0.5

[console]
port = {self.console_port}
language = "en"

[link]
enabled = {str(with_centre).lower()}
port = {self.broker.port}
drain_delay_s = 0
''',
            "utf-8",
        )
        self.centre_config.write_text(
            f"""database_url = "sqlite:///{self.folder / "central.db"}"

[broker]
port = {self.broker.port}

[portal]
port = {self.centre_port}
language = "en"
""",
            "utf-8",
        )

    def __enter__(self) -> Self:
        try:
            self._add_accounts()
            for child in self.children:
                child.start()
            wait_until(self._ready, "box and centre are ready", START_PATIENCE_S)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in reversed(self.children):
            with contextlib.suppress(AssertionError):
                child.stop()

    def _ready(self) -> bool:
        for child in self.children:
            if not child.alive:
                raise AssertionError(f"{' '.join(child.argv[1:4])} ended:\n{child.text()[-2000:]}")
        ports = [self.dicom_port, self.console_port]
        if self.centre in self.children:
            ports.append(self.centre_port)
        return all(accepts(port) for port in ports)

    def _add_accounts(self) -> None:
        """A technologist with a PIN, a QC lead and an engineer with passwords; new ones each run."""
        self.logins = (
            Login("tech", "technologist", f"{secrets.randbelow(900_000) + 100_000}"),
            Login("lead", "qc-lead", secrets.token_urlsafe(9)),
            Login("engineer", "engineer", secrets.token_urlsafe(9)),
        )
        for login in self.logins:
            self._cli(
                "edge", "account", "add", login.name, "--role", login.role, *self._config, secret=login.secret
            )
        if self.centre in self.children:
            self.centre_login = Login("qc", "qc-group", secrets.token_urlsafe(9))
            config = ("--config", str(self.centre_config))
            added = self.centre_login
            self._cli(
                "cloud_sync.central.cli",
                "account",
                "add",
                added.name,
                "--role",
                added.role,
                *config,
                secret=added.secret,
            )

    def _cli(self, module: str, *arguments: str, secret: str) -> None:
        subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", module, *arguments], input=f"{secret}\n{secret}\n", text=True, check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
