"""C-STORE to a destination (PS3.4 B): the data set of each file as it lies there, in its own transfer syntax."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydicom import dcmread
from pydicom.errors import InvalidDicomError
from pynetdicom import _config
from pynetdicom.association import Association

from capture.dicom.calling import Kind, called
from capture.errors import Retry
from edge.forward.messages import status_of
from edge.forward.patience import NO_CONTEXT, Sent, answered
from edge.forward.settings import Destination

MOST = 64
"""Images of one association; at most 128 presentation contexts fit into a request (PS3.8 9.3.2.2)."""

# Without it pynetdicom decodes and encodes again: not the bytes that came.
_config.STORE_SEND_CHUNKED_DATASET = True


@dataclass(frozen=True, slots=True)
class Image:
    """What must be known of an image to send it."""

    path: Path
    kind: Kind
    sop_uid: str
    modality: str


def look(path: Path) -> Image | None:
    """Read the few elements; None when it cannot be sent as DICOM."""
    try:
        header = dcmread(path, stop_before_pixels=True, specific_tags=["Modality"])
        meta = header.file_meta
        kind = str(meta.MediaStorageSOPClassUID), str(meta.TransferSyntaxUID)
        return Image(path, kind, str(meta.MediaStorageSOPInstanceUID), str(header.get("Modality") or ""))
    except (InvalidDicomError, AttributeError, OSError, ValueError, KeyError, NotImplementedError):
        return None


def send(destination: Destination, images: Mapping[str, Image]) -> Iterator[Sent]:
    """Send over one association; what is not told of was not tried.

    ``images``: by the id of their case, in the order in which they go.
    """
    try:
        with called(destination, {image.kind for image in images.values()}) as association:
            for case_id, image in images.items():
                if not association.is_established:
                    return
                yield _store(association, case_id, image)
    except Retry as error:
        for case_id in images:
            yield Sent(case_id, "refused" if error.code == NO_CONTEXT else "later", error.code)


def _store(association: Association, case_id: str, image: Image) -> Sent:
    if not any((c.abstract_syntax, c.transfer_syntax[0]) == image.kind for c in association.accepted_contexts):
        return Sent(case_id, "refused", NO_CONTEXT, image.sop_uid)
    return answered(case_id, status_of(association.send_c_store(image.path)), image.sop_uid)
