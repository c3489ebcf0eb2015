"""``python -m edge`` is ``qcbox``."""

from __future__ import annotations

from edge.cli import main

if __name__ == "__main__":
    main()
