"""What an archive says that it keeps, and what a device is told of it (PS3.4 J.3.3). Nothing is added to it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

ALL_KEPT, SOME_NOT = 1, 2
"""Event types, PS3.4 table J.3-2."""
PROCESSING_FAILURE = 0x0110
_REASONS = frozenset({PROCESSING_FAILURE, 0x0112, 0x0119, 0x0122, 0x0213})
"""What FailureReason may say of an image (PS3.3 C.14.1.1), but for a transaction UID told twice: ours."""


@dataclass(frozen=True, slots=True)
class Answer:
    """``kept``: SOPInstanceUIDs. ``failed``: those that are not, and the FailureReason."""

    kept: tuple[str, ...]
    failed: tuple[tuple[str, int], ...]

    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))


def from_text(text: str) -> Answer:
    """What :meth:`Answer.text` wrote."""
    tree = json.loads(text)
    return Answer(tuple(tree["kept"]), tuple((uid, reason) for uid, reason in tree["failed"]))


def none_kept(asked: Dataset, why: str) -> Answer:
    """Nobody keeps any of what was ``asked``. ``why``: the archive's status, as a reason where it is one."""
    reason = next((one for one in _REASONS if why == f"{one:04X}"), PROCESSING_FAILURE)
    return Answer((), tuple((uid, reason) for uid in instances(asked)))


def answer(asked: Dataset, report: Dataset) -> Answer:
    """What ``report`` says of what was ``asked``. What it says both of, or nothing of, is not kept."""
    reasons = {
        _uid(item): int(item.get("FailureReason") or PROCESSING_FAILURE)
        for item in report.get("FailedSOPSequence") or ()
    }
    named = {_uid(item) for item in report.get("ReferencedSOPSequence") or ()}
    wanted = instances(asked)
    kept = tuple(uid for uid in wanted if uid in named and uid not in reasons)
    failed = tuple((uid, reasons.get(uid, PROCESSING_FAILURE)) for uid in wanted if uid not in kept)
    return Answer(kept, failed)


def instances(asked: Dataset) -> tuple[str, ...]:
    """SOPInstanceUIDs that a request names, each once."""
    return tuple(dict.fromkeys(_uid(item) for item in asked.get("ReferencedSOPSequence") or ()))


def request(asked: Dataset, transaction_uid: str) -> Dataset:
    """The device's request as it goes to the archive: the same images, a transaction of ours."""
    made = Dataset()
    made.TransactionUID = transaction_uid
    made.ReferencedSOPSequence = _items(asked, instances(asked))
    return made


def event(asked: Dataset, said: Answer) -> tuple[int, Dataset]:
    """Event type and information for the device, under its own transaction."""
    made = Dataset()
    made.TransactionUID = asked.TransactionUID
    if said.kept:
        made.ReferencedSOPSequence = _items(asked, said.kept)
    if not said.failed:
        return ALL_KEPT, made
    made.FailedSOPSequence = _items(asked, [uid for uid, _ in said.failed])
    for item, (_, reason) in zip(made.FailedSOPSequence, said.failed, strict=True):
        item.FailureReason = reason
    return SOME_NOT, made


def _items(asked: Dataset, wanted: Sequence[str]) -> Items:
    classes = {_uid(item): item.ReferencedSOPClassUID for item in asked.ReferencedSOPSequence}
    return Items(_item(classes[uid], uid) for uid in wanted)


def _item(sop_class: str, uid: str) -> Dataset:
    made = Dataset()
    made.ReferencedSOPClassUID, made.ReferencedSOPInstanceUID = sop_class, uid
    return made


def is_whole(asked: Dataset) -> bool:
    """Whether a request has what PS3.4 table J.3-1 requires."""
    items: Iterable[Dataset] = asked.get("ReferencedSOPSequence") or ()
    each = [item.get("ReferencedSOPClassUID") and _uid(item) for item in items]
    return bool(asked.get("TransactionUID") and each and all(each))


def _uid(item: Dataset) -> str:
    return str(item.get("ReferencedSOPInstanceUID") or "")
