"""A centre that acknowledges what it has not committed."""

from __future__ import annotations

from collections.abc import Sequence

from cloud_sync.central.ingest import Ingest
from cloud_sync.central.judging import judge
from cloud_sync.central.storing import store
from cloud_sync.link.broker import Broker
from cloud_sync.link.terms import Arrived
from cloud_sync.wire import topics
from cloud_sync.wire.codec import encode


def mutate() -> None:
    """Swap COMMIT and acknowledgement."""

    def take_in(self: Ingest, broker: Broker, batch: Sequence[Arrived]) -> None:
        now = self._wall()
        known = [(topics.parse(message.topic), message) for message in batch]
        events = [
            judge(address.box, message.payload, message.user)
            for address, message in known
            if address and address.leaf == "event"
        ]
        with self._database.write() as connection:
            stored = store(self._database, connection, events, now)
            for box, ack in stored.acks:
                broker.publish(topics.down(box, "ack"), encode(ack))
            for message in batch:
                broker.confirm(message)
            if events:
                self._at("central.before_commit")

    Ingest._take_in = take_in  # type: ignore[method-assign]  # that is the mutation
