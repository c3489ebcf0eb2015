"""One connection to an MQTT 5 broker, in the caller's thread. Box and centre both speak through it.

paho keeps its queue in memory, sends all of it at each reconnect and ignores the broker's Receive Maximum
(fleet-sync.md, sections 3 and 5.4). So it never reconnects here: a lost connection ends this object with
everything it held, and the caller, who has the rows, makes a new one. paho's own threads are not used;
the interface for external loops makes every call and callback happen in one thread without a lock.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import struct
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from cloud_sync.link.settings import BrokerSettings
from cloud_sync.link.terms import Arrived, Happened, Lost, Session, Terms

_READS_PER_POLL = 500
_LARGEST_PACKET = 1024 * 1024
"""Bytes we let the broker send us in one packet, which paho holds in memory. Up to here a message that is too
long for the contract is kept as a dead letter; beyond, the broker drops it."""
_MALFORMED = (ValueError, LookupError, TypeError, struct.error)
"""What paho raises for a packet that is none; a strange broker must not end the program."""


class Broker:
    """One connection, used once: ``connect``, then ``poll`` again and again, then ``close``. Raises Lost."""

    def __init__(self, settings: BrokerSettings, session: Session) -> None:
        self._settings = settings
        self._session = session
        self._ear, self._bell = socket.socketpair()
        self._ear.setblocking(False)
        self._bell.setblocking(False)
        self._terms: Terms | None = None
        self._refusal = ""
        self._subscribed = False
        self._arrived: list[Arrived] = []
        self._taken: list[tuple[int, int]] = []
        self._client = self._make_client()

    def connect(self, topics: Sequence[str]) -> Terms:
        """Connect and subscribe (QoS 1). Raises Lost."""
        asked = _properties(
            PacketTypes.CONNECT,
            SessionExpiryInterval=self._session.expiry_s,
            ReceiveMaximum=self._session.receive_maximum,
            MaximumPacketSize=_LARGEST_PACKET,
        )
        end = time.monotonic() + self._settings.connect_timeout_s
        try:
            self._client.connect(
                self._settings.host, self._settings.port, self._settings.keepalive_s,
                clean_start=self._session.clean, properties=asked,
            )  # fmt: skip
        except ssl.SSLError:
            raise Lost("tls") from None
        except (OSError, ValueError):
            raise Lost("unreachable") from None
        while self._terms is None:
            self._turn_before(end)
        self._client.subscribe([(topic, 1) for topic in topics])
        while not self._subscribed:
            self._turn_before(end)
        return self._terms

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, expiry_s: int = 0,
        user: Mapping[str, str] = MappingProxyType({}),
    ) -> int:  # fmt: skip
        """Hand over one message; its id comes back in ``Happened.taken``. Raises Lost.

        ``user`` are MQTT 5 user properties: they repeat what the payload says, for diagnosis.
        """
        properties = _properties(PacketTypes.PUBLISH, **({"MessageExpiryInterval": expiry_s} if expiry_s else {}))
        if user:
            properties.UserProperty = list(user.items())
        sent = self._client.publish(topic, payload, qos, retain, properties)
        self._check()
        return sent.mid

    def confirm(self, message: Arrived) -> None:
        """PUBACK: from now on the message is ours alone."""
        if message.qos:
            self._client.ack(message.mid, message.qos)

    def poll(self, timeout_s: float) -> Happened:
        """Wait for something to happen, at most so long; ``wake`` ends it early. Raises Lost."""
        if not self._arrived and not self._taken:
            self._turn(timeout_s)
        happened = Happened(tuple(self._arrived), tuple(self._taken))
        self._arrived.clear()
        self._taken.clear()
        return happened

    def wake(self) -> None:
        """End a ``poll`` that waits. The one method for other threads."""
        with contextlib.suppress(OSError):
            self._bell.send(b"!")

    def close(self, *, polite: bool) -> None:
        """End the connection. ``polite``: with a DISCONNECT, so that the broker does not say the will."""
        if polite and self._client.socket() is not None:
            self._client.disconnect()
            with contextlib.suppress(Lost):
                while self._client.want_write():
                    self._turn(0.1)
        sock = self._client.socket()
        if sock is not None:
            sock.close()
        self._ear.close()
        self._bell.close()

    def _make_client(self) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            self._session.client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
        )
        client.connect_timeout = self._settings.connect_timeout_s
        # Never queue inside paho: whoever publishes has counted before.
        client.max_inflight_messages_set(0)
        if self._settings.ca_file:
            try:
                client.tls_set(
                    str(self._settings.ca_file),
                    str(self._settings.cert_file) if self._settings.cert_file else None,
                    str(self._settings.key_file) if self._settings.key_file else None,
                    tls_version=ssl.PROTOCOL_TLS_CLIENT,
                )
            except (OSError, ValueError):  # not there, not readable, or half written: it may be mended any time
                self._ear.close()
                self._bell.close()
                raise Lost("certificate_files") from None
        delay = _properties(PacketTypes.WILLMESSAGE, WillDelayInterval=self._session.will.delay_s)
        client.will_set(self._session.will.topic, self._session.will.payload, 1, True, delay)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        return client

    def _turn_before(self, end: float) -> None:
        if time.monotonic() > end:
            raise Lost("timeout")
        self._turn(0.2)

    def _turn(self, timeout_s: float) -> None:
        """Wait once, then read and write all that can be."""
        sock = self._check()
        # Bytes that TLS has already taken from the kernel do not wake a selector.
        held = sock.pending() if isinstance(sock, ssl.SSLSocket) else 0
        with selectors.DefaultSelector() as selector:
            writing = selectors.EVENT_WRITE if self._client.want_write() else 0
            selector.register(sock, selectors.EVENT_READ | writing)
            selector.register(self._ear, selectors.EVENT_READ)
            ready = {key.fileobj: events for key, events in selector.select(0 if held else timeout_s)}
        if self._ear in ready:
            self._ear.recv(4096)
        if ready.get(sock, 0) & selectors.EVENT_WRITE:
            self._client.loop_write()
        if held or ready.get(sock, 0) & selectors.EVENT_READ:
            self._read()
        self._client.loop_misc()
        self._check()

    def _read(self) -> None:
        """Packets as long as there are any, but not for ever."""
        for _ in range(_READS_PER_POLL):
            before = len(self._arrived) + len(self._taken)
            try:
                self._client.loop_read()
            except _MALFORMED:
                raise Lost("malformed_packet") from None
            if len(self._arrived) + len(self._taken) == before:
                return

    def _check(self) -> socket.socket:
        sock = self._client.socket()
        if self._refusal or not isinstance(sock, socket.socket):
            raise Lost(self._refusal or "closed")
        return sock

    def _on_connect(
        self,
        client: Client,
        userdata: object,
        flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._refusal = _word(reason)
            return
        self._terms = Terms(
            getattr(properties, "ReceiveMaximum", 65535),
            getattr(properties, "MaximumPacketSize", 256 * 1024 * 1024),
        )

    def _on_subscribe(
        self, client: Client, userdata: object, mid: int, reasons: list[ReasonCode], properties: Properties | None
    ) -> None:
        refused = [reason for reason in reasons if reason.is_failure]
        if refused:
            self._refusal = _word(refused[0])
        self._subscribed = True

    def _on_disconnect(
        self,
        client: Client,
        userdata: object,
        flags: DisconnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        said = _word(reason) if flags.is_disconnect_packet_from_server else "connection_lost"
        self._refusal = self._refusal or said

    def _on_message(self, client: Client, userdata: object, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        user = dict(getattr(message.properties, "UserProperty", ()))
        self._arrived.append(
            Arrived(topic, bytes(message.payload), message.mid, message.qos, message.retain, user)
        )

    def _on_publish(
        self, client: Client, userdata: object, mid: int, reason: ReasonCode, properties: Properties | None
    ) -> None:
        self._taken.append((mid, reason.value))


def _properties(packet: int, **values: int) -> Properties:
    found = Properties(packet)  # type: ignore[no-untyped-call]  # paho does not type it
    for name, value in values.items():
        setattr(found, name, value)
    return found


def _word(reason: ReasonCode) -> str:
    """``Session taken over`` as ``session_taken_over``."""
    return reason.getName().lower().replace(" ", "_")
