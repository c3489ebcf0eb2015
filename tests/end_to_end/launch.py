"""One process of the product, with a crash planted: ``python -m tests.end_to_end.launch WHAT CONFIG [STEP N]``.

WHAT is listen, agent or central. With STEP the process ends, as by kill -9, the N-th time it gets there.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from cloud_sync.central import frame as of_centres_pages
from cloud_sync.central import program
from cloud_sync.central import settings as of_the_centre
from cloud_sync.kit.log import configure
from edge import settings_file as of_the_box
from edge.agent import run_agent
from edge.commands.listen import run_listener
from edge.commands.receiver import stop_on_signals
from edge.console import frame as of_consoles_pages
from tests.simulated_box import dying

Hook = Callable[[str], None]
READ_ONCE = (of_centres_pages.pages, of_consoles_pages.pages)
"""See tests/nursery.py."""


def listen(config: Path, at: Hook) -> None:
    """The receiver."""
    configure("listen")
    settings = of_the_box.load(config)
    run_listener(settings.spool_path, settings.spool, settings.dicom, stop=stop_on_signals(), at=at)


def agent(config: Path, at: Hook) -> None:
    """The agent with its workers."""
    configure("agent")
    asyncio.run(run_agent(of_the_box.load(config), at))


def central(config: Path, at: Hook) -> None:
    """The centre."""
    sys.exit(program.run(of_the_centre.load(config), at))


def main(arguments: Sequence[str]) -> None:
    """See the module."""
    what, config, *planted = arguments
    at: Hook = dying(planted[0], int(planted[1])) if planted else lambda step: None
    {"listen": listen, "agent": agent, "central": central}[what](Path(config), at)


if __name__ == "__main__":
    main(sys.argv[1:])
