"""Real peers for tests: a broker, a centre, any child process; each can be killed, paused and started again.

Everything listens on an ephemeral loopback port and lives in a directory that the test gives.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests import nursery

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = "/usr/bin/chromium"
CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
"""Headless, as root, and quiet: without the last ones the browser looks for its maker at every start."""
PATIENCE_S = 120.0
"""How long a wait may take before the test fails. Never a measurement."""


def _ports() -> Iterator[int]:
    """Below those that the kernel gives to whoever asks for any, or calls somebody (ip_local_port_range): a test
    names a port long before somebody listens there, and again after it has killed him. In blocks that are this
    process's until it ends."""
    for first in range(11_000, 32_000, 100):
        block = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            block.bind(f"\0qcbox-tests-{first}")
        except OSError:  # another process's
            block.close()
            continue
        block.detach()
        yield from filter(_is_free, range(first, first + 100))
    raise AssertionError("every port was given away")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


_PORTS = _ports()


def free_port() -> int:
    """A loopback TCP port that nobody has and nobody else gets."""
    return next(_PORTS)


def wait_until(condition: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Return once ``condition()`` is true; AssertionError naming ``what`` when patience ends."""
    end = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {patience_s:.0f} s in vain: {what}")
        time.sleep(0.02)


def accepts(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Child:
    """One process of the test's own. Output of all its lives goes to one file."""

    def __init__(self, argv: Sequence[str], log: Path) -> None:
        self.argv = list(argv)
        self.log = log
        self._running: subprocess.Popen[bytes] | nursery.Life | None = None

    def start(self) -> None:
        """Start it (again)."""
        if self.alive:
            raise AssertionError("it runs already")
        self._running = self._begin()

    def _begin(self) -> subprocess.Popen[bytes] | nursery.Life:
        with self.log.open("ab") as out:
            return subprocess.Popen(self.argv, stdout=out, stderr=out, cwd=ROOT)

    @property
    def alive(self) -> bool:
        """Whether it runs (paused counts)."""
        return self._running is not None and self._running.poll() is None

    @property
    def returncode(self) -> int | None:
        """Of its last life; None while it lives."""
        return self._running.poll() if self._running else None

    @property
    def pid(self) -> int:
        """Of its present life. Raises AssertionError when it was never started."""
        if self._running is None:
            raise AssertionError("it was never started")
        return self._running.pid

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it lives."""
        if self.alive and self._running is not None:
            self._running.send_signal(number)

    def kill(self) -> None:
        """kill -9, and gone on return."""
        self.signal(signal.SIGKILL)
        self._reap()

    def stop(self) -> None:
        """Ask it to end (SIGTERM) and wait."""
        self.signal(signal.SIGTERM)
        self._reap()

    def pause(self) -> None:
        """SIGSTOP: alive, connected, silent."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self.signal(signal.SIGCONT)

    def text(self) -> str:
        """All it has written so far."""
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""

    def _reap(self) -> None:
        if self._running is None:
            return
        try:
            self._running.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._running.kill()
            self._running.wait()
            raise AssertionError(f"{self.argv[0]} did not end when asked") from None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.resume()
        self.kill()


def python(*arguments: str, log: Path) -> Child:
    """A child that runs this interpreter."""
    return Child([sys.executable, *arguments], log)


class Warm(Child):
    """A child that runs a module's ``main``, for tests that start it often: see tests/nursery.py. ``argv`` is what
    that function is given."""

    def __init__(self, module: str, *arguments: str, log: Path) -> None:
        super().__init__(arguments, log)
        self._module = module

    def _begin(self) -> nursery.Life:
        return nursery.begin(self._module, self.argv, self.log)


class Mosquitto(Child):
    """Debian's broker. By default as bad as it may be: no persistence, and ``queue`` messages a client."""

    def __init__(self, folder: Path, *, queue: int = 1000, lines: Sequence[str] = ()) -> None:
        """``lines`` replace the plain anonymous listener, e.g. for TLS; ``{port}`` in them is filled in."""
        program = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if program is None:
            raise AssertionError("mosquitto is not installed (apt install mosquitto)")
        self.port = free_port()
        listener = list(lines) or ["listener {port} 127.0.0.1", "allow_anonymous true"]
        config = ["persistence false", f"max_queued_messages {queue}", "set_tcp_nodelay true", *listener]
        if os.geteuid() == 0:
            config.insert(0, "user root")
        path = folder / "mosquitto.conf"
        path.write_text("\n".join(config).format(port=self.port) + "\n", "utf-8")
        super().__init__([program, "-c", str(path)], folder / "mosquitto.log")

    def start(self) -> None:
        """Start it and wait until it listens."""
        super().start()
        wait_until(lambda: not self.alive or accepts(self.port), "mosquitto listens")
        if not self.alive:
            raise AssertionError(f"mosquitto ended: {self.text()[-500:]}")
