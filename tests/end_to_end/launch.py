"""One process of the product, with a crash planted: ``python -m tests.end_to_end.launch WHAT CONFIG [STEP N]``.

WHAT is listen, agent or central. With STEP the process ends, as by kill -9, the N-th time it gets there.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from tests.simulated_box import dying

Hook = Callable[[str], None]


def listen(config: Path, at: Hook) -> None:
    """The receiver."""
    from cloud_sync.kit.log import configure
    from edge.commands.listen import run_listener
    from edge.commands.receiver import stop_on_signals
    from edge.settings import load

    configure("listen")
    settings = load(config)
    run_listener(settings.spool_path, settings.spool, settings.dicom, stop=stop_on_signals(), at=at)


def agent(config: Path, at: Hook) -> None:
    """The agent with its workers."""
    from cloud_sync.kit.log import configure
    from edge.agent import run_agent
    from edge.settings import load

    configure("agent")
    asyncio.run(run_agent(load(config), at))


def central(config: Path, at: Hook) -> None:
    """The centre."""
    from cloud_sync.central.program import run
    from cloud_sync.central.settings import load

    sys.exit(run(load(config), at))


def main() -> None:
    """See the module."""
    what, config, *planted = sys.argv[1:]
    at: Hook = dying(planted[0], int(planted[1])) if planted else lambda step: None
    {"listen": listen, "agent": agent, "central": central}[what](Path(config), at)


if __name__ == "__main__":
    main()
