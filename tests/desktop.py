"""A desktop to work on in tests: TigerVNC's X server with a window manager, and programs on it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from edge.hands.vnc import Vnc
from tests.peers import PATIENCE_S, ROOT, accepts, free_port, wait_until
from tests.ris_form import TITLE

_WITH_TK = sys.executable if importlib.util.find_spec("_tkinter") else "/usr/bin/python3"
"""Debian's python3-tk serves Debian's own Python only; the form needs nothing else."""
_QUIET = subprocess.DEVNULL


@dataclass
class Desktop:
    """An X server that VNC shows."""

    display: str
    port: int
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)
    forms: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """A program on this desktop."""
        one = subprocess.Popen(command, env=self._environment, cwd=ROOT, stdout=_QUIET, stderr=_QUIET)
        self.started.append(one)
        return one

    def form(self, file: Path, **options: object) -> subprocess.Popen[bytes]:
        """The form of :mod:`tests.ris_form`, once its window is there."""
        if all(form.poll() is not None for form in self.forms):
            wait_until(lambda: self._titles() == 0, "the form before is off the screen")
        before = self._titles()
        named = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", str(value))]
        form = self.start(_WITH_TK, "-m", "tests.ris_form", str(file), *named)
        self.forms.append(form)
        wait_until(lambda: self._titles() > before, "the form is on the screen")
        return form

    def managed(self) -> bool:
        """Whether a window manager has taken the screen over: one that comes later moves every window."""
        asked = subprocess.run(
            ["xdotool", "get_num_desktops"], env=self._environment, stdout=_QUIET, stderr=_QUIET, check=False
        )
        return asked.returncode == 0

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "DISPLAY": self.display}

    def _titles(self) -> int:
        """How much of the screen has the colour of the form's heading."""
        with closing(self.vnc()) as vnc:
            return int((vnc.look() == TITLE).all(axis=2).sum()) // 1000

    def vnc(self, password: str | None = None) -> Vnc:
        """A connection of one's own."""
        return Vnc("127.0.0.1", self.port, password)


@contextmanager
def desktop(*security: str, size: str = "1024x640") -> Iterator[Desktop]:
    """Xvnc on a free display with openbox. ``security``: options of Xvnc; by default nobody is asked."""
    port = free_port()
    read, write = os.pipe()
    shape = ("-rfbport", str(port), "-localhost", "-geometry", size, "-depth", "24")
    asked = security or ("-SecurityTypes", "None")
    server = subprocess.Popen(
        ["Xvnc", "-displayfd", str(write), *shape, *asked], pass_fds=(write,), stdout=_QUIET, stderr=_QUIET
    )
    os.close(write)
    with os.fdopen(read) as told:
        number = told.readline().strip()
    one = Desktop(f":{number}", port)
    try:
        wait_until(lambda: accepts(port), "Xvnc listens")
        one.start("openbox", "--sm-disable")
        wait_until(one.managed, "openbox has the screen")
        yield one
    finally:
        for program in (*reversed(one.started), server):
            program.terminate()
            program.wait(PATIENCE_S)
