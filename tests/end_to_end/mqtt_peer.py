"""The other side of a link or an ingest, played by the test over a real broker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cloud_sync.link.broker import Broker
from cloud_sync.link.settings import BrokerSettings, LinkSettings
from cloud_sync.link.terms import Arrived, Session, Will
from tests.peers import Mosquitto, wait_until


@dataclass
class Peer:
    """The other side, played by the test: hears all, says what the test wants."""

    broker: Broker
    heard: list[Arrived] = field(default_factory=list)

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Listen until something is so."""

        def turn() -> object:
            happened = self.broker.poll(0.02)
            for message in happened.arrived:
                self.broker.confirm(message)
                self.heard.append(message)
            return condition()

        wait_until(turn, what)

    def of(self, topic: str) -> list[Arrived]:
        """What was heard on one topic."""
        return [message for message in self.heard if message.topic == topic]


def peer(broker: Mosquitto, name: str, *subscribed: str) -> Peer:
    will = Will("qc/v1/test/will", b"{}", 0)
    settings = BrokerSettings(port=broker.port)
    made = Broker(settings, Session(name, clean=True, expiry_s=0, receive_maximum=500, will=will))
    made.connect(list(subscribed))
    return Peer(made)


def link_settings(broker: Mosquitto, **changes: float) -> LinkSettings:
    plain = {"drain_delay_s": 0, "ack_timeout_s": 20, "reconnect_first_s": 0.05, "reconnect_most_s": 0.2}
    return LinkSettings(port=broker.port, **(plain | changes))
