"""One thread: two OpenMP threads on a busy machine are ten times slower than one (design/ml.md, section 3)."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    torch.set_num_threads(1)
