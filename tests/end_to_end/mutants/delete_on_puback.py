"""A box that takes the broker's PUBACK for the centre's acknowledgement."""

from __future__ import annotations

from cloud_sync.link.conversation import Conversation
from cloud_sync.link.drain import Window
from cloud_sync.link.ports import Pending


def mutate() -> None:
    """Call a row delivered as soon as the broker has it."""
    seq_of: dict[int, int] = {}
    real_sent, real_mind = Window.sent, Conversation._mind
    real_taken = Window.taken
    taken: list[int] = []

    def sent(self: Window, row: Pending, mid: int, expires: float) -> None:
        seq_of[mid] = row.seq
        real_sent(self, row, mid, expires)

    def note_taken(self: Window, mid: int) -> None:
        taken.append(mid)
        real_taken(self, mid)

    def mind(self: Conversation, code: int) -> None:
        seq = seq_of.get(taken[-1])
        if seq is not None:
            self._outbox.acknowledged(self._stream, [(seq, seq)], self._wall())
            self._window.acknowledged([(seq, seq)])
        else:
            real_mind(self, code)

    Window.sent = sent  # type: ignore[method-assign]  # that is the mutation
    Window.taken = note_taken  # type: ignore[method-assign]
    Conversation._mind = mind  # type: ignore[method-assign]
