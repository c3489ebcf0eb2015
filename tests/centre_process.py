"""The centre as a process that can be told to die at a crash point, or to be built wrong (a mutant).

``python -m tests.centre_process --config central.toml --die-at central.before_commit --die-after 3``
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from cloud_sync.central import frame
from cloud_sync.central.program import run
from cloud_sync.central.settings import load
from tests.peers import Child, Mosquitto, Warm, accepts, free_port, wait_until
from tests.simulated_box import dying

READ_ONCE = (frame.pages,)
"""See tests/nursery.py."""
CRASH_POINTS = ("central.before_commit", "central.after_commit", "central.after_ack")


class Centre:
    """Configuration and process of one centre; each life may have its own crash point."""

    def __init__(
        self, folder: Path, broker: Mosquitto, *, mutant: str = "", gap_patience_s: int = 3600, more: str = ""
    ) -> None:
        """Nothing is started yet. ``mutant``: a module of tests.end_to_end.mutants; ``more``: TOML tables."""
        self.database = folder / "central.db"
        self.port = free_port()
        self._folder, self._mutant = folder, mutant
        self._config = folder / "central.toml"
        self._config.write_text(
            f'database_url = "sqlite:///{self.database}"\n'
            f"[broker]\nport = {broker.port}\nreconnect_first_s = 0.1\nreconnect_most_s = 0.5\nkeepalive_s = 5\n"
            f"[portal]\nport = {self.port}\n[ingest]\ngap_patience_s = {gap_patience_s}\ngap_look_s = 0.5\n"
            f"{more}",
            "utf-8",
        )
        self.child: Child | None = None

    def start(self, die_at: str = "", die_after: int = 1) -> Child:
        """A new life, serving on return unless it dies before."""
        self.child = Warm(
            "tests.centre_process", "--config", str(self._config), "--die-at", die_at,
            "--die-after", str(die_after), "--mutant", self._mutant, log=self._folder / "centre.log",
        )  # fmt: skip
        child = self.child
        child.start()
        wait_until(lambda: accepts(self.port) or not child.alive, "the centre serves")
        return child

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.child is not None and self.child.alive

    def stop(self) -> None:
        """Kill it, if it lives."""
        if self.child is not None:
            self.child.resume()
            self.child.kill()


def main(arguments: Sequence[str]) -> None:
    """Run until told to end or to die."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--die-at", default="")
    parser.add_argument("--die-after", type=int, default=1)
    parser.add_argument("--mutant", default="")
    chosen = parser.parse_args(arguments)
    if chosen.mutant:
        importlib.import_module(f"tests.end_to_end.mutants.{chosen.mutant}").mutate()
    sys.exit(run(load(chosen.config), dying(chosen.die_at, chosen.die_after)))


if __name__ == "__main__":
    main(sys.argv[1:])
