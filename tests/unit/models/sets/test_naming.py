"""What a series is, by its header: kernels, windows, weightings and parts as makers and people write them."""

from __future__ import annotations

import pytest

from capture.acquisition import Display, Exam, Technique
from models.sets.naming import is_trauma, kernel_class, part_of, reconstruction, set_aside, weighting, window_class


@pytest.mark.parametrize(
    ("kernel", "kind"),
    [
        *(
            (name, "sharp")
            for name in ("B70f", "B60s", "Br64", "Bl57", "I70f", "H60s", "Hr68h", "LUNG", "BONEPLUS", "EDGE")
        ),
        *((name, "sharp") for name in ("FC51", "FC81", "FC30", "YB", "L", "肺")),
        *(
            (name, "soft")
            for name in ("B31s", "B20f", "Br40", "Br36d", "I31f", "J30s", "H31s", "Hr38", "Qr40", "STANDARD")
        ),
        *((name, "soft") for name in ("STD+", "SOFT", "DETAIL", "FC08", "FC21", "B", "C", "UB", "EC")),
        *((name, None) for name in ("", "XYZ", "KERNEL 7")),
    ],
)
def test_kernels_of_the_makers(kernel: str, kind: str | None) -> None:
    assert kernel_class(Technique(ConvolutionKernel=(kernel,) if kernel else ())) == kind


@pytest.mark.parametrize(
    ("centre", "width", "kind"),
    [
        (-600, 1500, "lung"),
        (40, 400, "soft"),
        (35, 80, "brain"),
        (40, 40, "brain"),
        (600, 3000, "bone"),
        (0, 4000, None),
    ],
)
def test_windows(centre: float, width: float, kind: str | None) -> None:
    assert window_class(Display(WindowCenter=(centre,), WindowWidth=(width,))) == kind


def test_what_a_series_was_made_for_is_in_the_kernel_first() -> None:
    lung = Display(WindowCenter=(-600.0,), WindowWidth=(1500.0,))
    assert reconstruction(Technique(ConvolutionKernel=("B31s",)), lung, "CHEST") == "soft"
    assert reconstruction(Technique(ConvolutionKernel=("B70f",)), Display(), "CHEST") == "lung"
    assert reconstruction(Technique(ConvolutionKernel=("H60s",)), Display(), "HEAD") == "bone"
    assert reconstruction(Technique(ConvolutionKernel=("H31s",)), Display(), "HEAD") == "brain"
    assert reconstruction(Technique(), lung, "CHEST") == "lung"
    assert reconstruction(Technique(), Display(), "CHEST") is None


def spin(tr: float, te: float, ti: float | None = None) -> Technique:
    return Technique(RepetitionTime=tr, EchoTime=te, InversionTime=ti, ScanningSequence=("SE",))


@pytest.mark.parametrize(
    ("name", "technique", "kind"),
    [
        ("t1_se_tra", spin(500, 10), "T1"),
        ("Ax T2 FLAIR", spin(9000, 120, 2500), "FLAIR"),
        ("Ax T1 FLAIR", spin(2000, 10, 780), "T1"),
        ("tra 横断位 水抑制", spin(8000, 100), "FLAIR"),
        ("没有名称", spin(4000, 100), "T2"),
        ("named_t1_but_is_t2", spin(4000, 100), "T2"),
        ("pd_tse", spin(3000, 20), "PD"),
        ("t1_gre_fsp_3d_sag", Technique(RepetitionTime=7, EchoTime=3, ScanningSequence=("GR",)), "T1"),
        ("T2*", Technique(RepetitionTime=600, EchoTime=20, ScanningSequence=("GR",)), "T2*"),
        ("ep2d_diff_3scan", Technique(ScanningSequence=("EP",)), "DWI"),
        ("anything", Technique(DiffusionBValue=1000.0), "DWI"),
        ("ep2d_diff_ADC", Technique(), "ADC"),
        ("弥散", Technique(), "DWI"),
        ("SWI_Images", Technique(), "SWI"),
        ("3D TOF MRA", Technique(), "MRA"),
        ("bold_rest", Technique(ScanningSequence=("EP",)), None),
        ("", Technique(), None),
    ],
)
def test_weightings(name: str, technique: Technique, kind: str | None) -> None:
    assert weighting(Exam(Modality="MR", SeriesDescription=name), technique) == kind


@pytest.mark.parametrize(
    ("exam", "part"),
    [
        (Exam(BodyPartExamined="LUNG"), "CHEST"),
        (Exam(BodyPartExamined="Brain"), "HEAD"),
        (Exam(BodyPartExamined="KNEE", ProtocolName="Chest"), "KNEE"),
        (Exam(StudyDescription="胸部CT平扫"), "CHEST"),
        (Exam(ProtocolName="Head routine"), "HEAD"),
        (Exam(StudyDescription="Chest and head"), None),
        (Exam(), None),
    ],
)
def test_parts(exam: Exam, part: str | None) -> None:
    assert part_of(exam) == part


def test_a_radiograph_is_no_series_of_slices() -> None:
    assert set_aside(Exam(Modality="DX")) == "not_slices"
    assert set_aside(Exam(Modality="CT", SeriesDescription="定位像")) == "localizer"
    assert set_aside(Exam(Modality="CT", ImageType=("ORIGINAL", "PRIMARY", "AXIAL"))) is None


def test_an_injury_is_read_from_the_descriptions() -> None:
    assert is_trauma(Exam(StudyDescription="头部外伤 CT")) and is_trauma(Exam(ProtocolName="Head trauma"))
    assert not is_trauma(Exam(StudyDescription="Head routine"))
