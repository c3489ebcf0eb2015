"""Who may send: the device list against what an association says of itself."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from capture.dicom.associate import Request
from capture.dicom.pdu import APPLICATION_CONTEXT, CALLED_AE, CALLING_AE, VERSION, Refusal
from capture.dicom.settings import DicomSettings
from capture.dicom.uids import APPLICATION_CONTEXT as DICOM
from capture.dicom.uids import COMMITMENT, PERFORMED_STEP, VERIFICATION, is_private, is_storage

_REMEMBERED = 256


def refusal(settings: DicomSettings, request: Request, address: str) -> Refusal | None:
    """Why this request must be answered A-ASSOCIATE-RJ; None if it may go on."""
    if not request.protocol_version & 1:  # PS3.8 table 9-11: only bit 0 is looked at
        return VERSION
    if request.application_context != DICOM:
        return APPLICATION_CONTEXT
    if settings.open:
        return None
    if request.called_ae != settings.ae_title:
        return CALLED_AE
    came_from = ip_address(address)
    known = any(peer.ae_title == request.calling_ae and came_from in peer.address for peer in settings.peers)
    return None if known else CALLING_AE


def takes_class(settings: DicomSettings, uid: str) -> bool:
    """Whether a presentation context for this abstract syntax is accepted."""
    return uid in (VERIFICATION, PERFORMED_STEP, COMMITMENT) or stores_class(settings, uid)


def stores_class(settings: DicomSettings, uid: str) -> bool:
    """Whether objects of this SOP class are taken."""
    return is_storage(uid) or (settings.accept_private_classes and is_private(uid))


@lru_cache(_REMEMBERED)  # a device comes again and again
def plain_address(address: str) -> str:
    """An IPv4 address that a dual-stack socket shows as IPv6, written as IPv4; a zone is cut off."""
    parsed = ip_address(address.split("%", 1)[0])
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(parsed)
