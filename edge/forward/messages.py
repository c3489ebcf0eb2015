"""What peers answer, and what the spool keeps of what they said."""

from __future__ import annotations

from io import BytesIO

from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import InvalidDicomError


def status_of(answer: Dataset) -> int | None:
    """Of a response; None when none came in time."""
    status = getattr(answer, "Status", None)
    return None if status is None else int(status)


def read(content: bytes) -> FileDataset | None:
    """A message as the spool keeps it; None when it cannot be read."""
    try:
        return dcmread(BytesIO(content))
    except (InvalidDicomError, OSError, ValueError, KeyError, AttributeError, NotImplementedError):
        return None
