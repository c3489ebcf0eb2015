"""What a request is answered, worked out once for each device: it asks the same at every association."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from capture.dicom import associate
from capture.dicom.peers import takes_class
from capture.dicom.settings import DicomSettings

_REMEMBERED = 64
_LONGEST = 32 * 1024
"""Bytes of a request that is remembered: 128 contexts with four transfer syntaxes each."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A request, the contexts it may use, and the A-ASSOCIATE-AC for it."""

    request: associate.Request
    contexts: Mapping[int, associate.Context]
    """Accepted ones by their id."""
    accept: bytes


class Negotiator:
    """Answers requests as these settings want. Threads may share it."""

    def __init__(self, settings: DicomSettings) -> None:
        self._settings = settings
        self._remembered = lru_cache(_REMEMBERED)(self._work_out)

    def answer(self, body: bytes) -> Answer:
        """``body``: an A-ASSOCIATE-RQ after its PDU header. Raises Ended as :func:`associate.parse`."""
        return self._remembered(body) if len(body) <= _LONGEST else self._work_out(body)

    def _work_out(self, body: bytes) -> Answer:
        request = associate.parse(body)
        settings = self._settings
        answered = [associate.negotiate(p, takes_class(settings, p.abstract_syntax)) for p in request.proposals]
        return Answer(
            request,
            {context.id: context for context in answered if context.outcome == associate.ACCEPTANCE},
            associate.accept(request, answered, settings.max_pdu),
        )
