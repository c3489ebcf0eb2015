"""Part 10 bytes to Acquisition: what the header says, what is wrong with it, and one frame of pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from capture.acquisition import Acquisition, Device, Display, Exam, Fault, Identity, NoPixels
from capture.arrival import Arrival
from capture.dicom.bounded import name_of
from capture.dicom.dose import dose_report
from capture.dicom.fields import Header, tag_of
from capture.dicom.options import ReadOptions
from capture.dicom.part10 import Part10, open_object
from capture.dicom.pixels import read_pixels
from capture.dicom.places import charset_of, macros_of
from capture.dicom.technique import technique_of
from capture.errors import SetAside
from capture.text import Bilingual

__all__ = ["ReadOptions", "read"]


def read(path: Path, arrival: Arrival, options: ReadOptions = ReadOptions()) -> Acquisition:  # noqa: B008 - frozen
    """Read an object. Whatever is wrong with it becomes a Fault or a NoPixels, as long as it is DICOM at all.

    Of a multi-frame object the middle frame is read (frame ``n // 2``, counted from 0): the first frames of
    angiograms and ultrasound clips are often empty.

    Raises:
        SetAside: ``dicom.empty``, ``dicom.unreadable`` or ``dicom.empty_object``.
        OSError: the file cannot be opened.
    """
    opened = open_object(path, options.max_inflated, options.max_elements)
    top = opened.data_set
    header = Header((top,), charset_of(top, options.default_charset))
    frames = max(header.integer("NumberOfFrames") or 1, 1)
    frame = frames // 2
    header.places = (top, *macros_of(top, frame))
    display = header.fill(
        Display,
        NumberOfFrames=frames,
        has_VOILUTSequence=header.has("VOILUTSequence"),
        SequenceOfUltrasoundRegions=len(header.sequence("SequenceOfUltrasoundRegions")),
    )
    pixels = read_pixels(header, display, opened, frame, options)
    exam = _exam(header, opened)
    if (
        exam.SOPClassUID is None
        and exam.Modality is None
        and display.Rows is None
        and isinstance(pixels, NoPixels)
    ):
        raise _empty_object()
    return Acquisition(
        arrival_id=arrival.id,
        identity=_identity(header, opened),
        exam=exam,
        technique=technique_of(header),
        device=header.fill(Device),
        display=display,
        pixels=pixels,
        dose_report=dose_report(header),
        private_marks=tuple(_marks(header, options.mark_tags)),
        faults=_faults(opened, header),
    )


def _empty_object() -> SetAside:
    return SetAside(
        "dicom.empty_object",
        Bilingual(
            "文件有 DICOM 标志，但既没有对象类型，也没有图像",
            "it is marked as DICOM, but says neither what kind of object it is nor holds a picture",
        ),
        Bilingual(
            "文件可能已损坏或不是检查对象，请在设备上查看后重新发送",
            "it may be damaged or no object of an exam: look at it on the device and send it again",
        ),
    )


def _identity(header: Header, opened: Part10) -> Identity:
    identity = header.fill(Identity)
    if identity.SOPInstanceUID is None and opened.sop_instance is not None:
        return header.fill(Identity, SOPInstanceUID=opened.sop_instance)
    return identity


def _exam(header: Header, opened: Part10) -> Exam:
    return header.fill(
        Exam,
        SOPClassUID=header.text("SOPClassUID") or opened.sop_class,
        TransferSyntaxUID=opened.transfer_syntax,
        AnatomicRegion=header.code("AnatomicRegionSequence"),
        ViewCode=header.code("ViewCodeSequence"),
        has_FrameOfReferenceUID=header.has("FrameOfReferenceUID"),
    )


def _marks(header: Header, tags: Sequence[str]) -> Iterator[str]:
    for name in tags:
        try:
            tag = int(name, 16) if len(name) == 8 else tag_of(name)
        except (ValueError, KeyError):
            continue
        text = header.text_at(tag, name_of(tag))
        if text is not None:
            yield text


def _faults(opened: Part10, header: Header) -> tuple[Fault, ...]:
    """All that is wrong, structure first."""
    found = [*opened.faults, *header.charset.faults]
    damage = opened.data_set.damage
    if opened.data_set.source.budget.spent:
        found.append(Fault("structure.too_many_elements"))
    elif damage is not None:
        found.append(Fault(damage.code, name_of(damage.tag) if damage.tag else ""))
    if opened.inflate_stopped:
        found.append(Fault("structure.too_large", detail="deflated object"))
    return (*found, *header.faults.values())
