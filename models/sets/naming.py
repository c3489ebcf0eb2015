"""What a series is: set aside or judged, which part, which weighting or kernel and window. From its header alone.

Words of descriptions are those that devices and protocols of the large makers use, and their Chinese ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from capture.acquisition import Display, Exam, Technique
from models.header.anatomy_terms import term_of, term_of_code
from models.header.modality import SLICES
from models.header.objects import is_derived, is_localizer, is_secondary_capture


def _words(text: str) -> re.Pattern[str]:
    """Latin words stand alone (digits, underscores and signs end them); Chinese ones anywhere."""
    latin, _, chinese = text.partition("|汉|")
    parts = [rf"(?<![a-z])(?:{latin})(?![a-z])"] + ([chinese] if chinese else [])
    return re.compile("|".join(parts), re.IGNORECASE)


_MOTION_CORRECTED = _words(r"moco|mosaic[_ ]moco|motion[ _-]?corr\w*|motion[ _-]?corrected|汉|运动校正")


Aside = Literal["localizer", "derived", "motion_corrected", "secondary_capture", "not_slices"]


def set_aside(exam: Exam) -> Aside | None:
    """Why a series is not judged; None when it is (mrQA issue 43)."""
    if exam.Modality not in SLICES:
        return "not_slices"
    if is_secondary_capture(exam):
        return "secondary_capture"
    if is_localizer(exam):
        return "localizer"
    if "MOCO" in exam.ImageType or _MOTION_CORRECTED.search(exam.SeriesDescription or ""):
        return "motion_corrected"
    return "derived" if is_derived(exam) else None


_PARTS: Mapping[str, frozenset[str]] = {
    "CHEST": frozenset(("CHEST", "LUNG", "THORAX", "LUNGS", "MEDIASTINUM")),
    "HEAD": frozenset(("HEAD", "BRAIN", "SKULL")),
    "ABDOMEN": frozenset(("ABDOMEN", "LIVER", "ABDOMENPELVIS", "PANCREAS", "KIDNEY")),
}
_PART_WORDS: Mapping[str, re.Pattern[str]] = {
    "CHEST": _words(r"chest|thorax|lungs?|hrct|汉|胸|肺"),
    "HEAD": _words(r"head|brain|skull|cranial|cranium|neuro|汉|头|颅|脑"),
    "ABDOMEN": _words(r"abd|abdomen|liver|汉|腹|肝"),
}


def part_of(exam: Exam) -> str | None:
    """CHEST, HEAD or ABDOMEN, another term of the standard, or None. Without a term the descriptions are asked."""
    term = term_of(exam.BodyPartExamined or "") or term_of_code((exam.AnatomicRegion or "").strip())
    if term is not None:
        return next((part for part, terms in _PARTS.items() if term in terms), term)
    said = " ".join(filter(None, (exam.ProtocolName, exam.StudyDescription, exam.SeriesDescription)))
    found = [part for part, words in _PART_WORDS.items() if words.search(said)]
    return found[0] if len(found) == 1 else None


_TRAUMA = _words(r"trauma|fracture|injury|fx|polytrauma|汉|外伤|创伤|骨折|车祸|坠落")


def is_trauma(exam: Exam) -> bool:
    """The descriptions speak of an injury."""
    return _TRAUMA.search(" ".join(filter(None, (exam.StudyDescription, exam.ProtocolName)))) is not None


# --- CT ----------------------------------------------------------------------------------------------------------

_SHARP = re.compile(
    r"lung|bone|edge|chest|sharp|ultra|肺|骨|锐"
    r"|^fc(3[01]|5\d|8\d)"  # Canon: 30, 31 ear and bone, 50s lung, 80s high resolution
    r"|^[bhtiru]?[a-z]?[lrvup]?(5[5-9]|[6-9]\d)[a-z]?(\\\d)?$"  # Siemens: B60f, Br64, Bl57, H70h, I70f\3
    r"|^(d|e|l|ya|yb|yc|yd|ye)$",  # Philips
    re.IGNORECASE,
)
_SOFT = re.compile(
    r"soft|std|standard|detail|stnd|brain|软|标准"
    r"|^fc(0\d|1\d|2\d|4\d|6\d|7\d)"
    r"|^[bhtiru]?[a-z]?[lrvup]?([1-4]\d|5[0-4])[a-z]?(\\\d)?$"
    r"|^(a|b|c|ua|ub|uc|ea|eb|ec|sa|sb|xca|xcb|ipd|ips)$",
    re.IGNORECASE,
)


def kernel_class(technique: Technique) -> str | None:
    """``sharp`` (lung, bone) or ``soft``; None for a kernel that is not known, or when there is none."""
    kernel = (technique.ConvolutionKernel[0] if technique.ConvolutionKernel else "").strip()
    if not kernel:
        return None
    if _SHARP.search(kernel):
        return "sharp"
    return "soft" if _SOFT.search(kernel) else None


def window_class(display: Display) -> str | None:
    """What the first window is for: ``lung``, ``bone``, ``brain`` or ``soft``; None for another, or none."""
    if not display.WindowCenter or not display.WindowWidth:
        return None
    centre, width = display.WindowCenter[0], display.WindowWidth[0]
    if width >= 800:
        return "lung" if centre <= -300 else ("bone" if centre >= 150 else None)
    if width <= 160:
        return "brain" if 15 <= centre <= 70 else None
    return "soft" if -60 <= centre <= 150 and width <= 600 else None


def reconstruction(technique: Technique, display: Display, part: str | None) -> str | None:
    """What a CT series was made for: ``lung``, ``bone``, ``soft`` or ``brain``; None when kernel and window do not
    say. The kernel is in the picture; the window can be changed by whoever looks, so it comes second."""
    kernel, window = kernel_class(technique), window_class(display)
    if kernel == "sharp":
        fits = window if window in ("lung", "bone") else None
        return fits or {"CHEST": "lung", "HEAD": "bone"}.get(part or "")
    if kernel == "soft":
        return "brain" if part == "HEAD" or window == "brain" else "soft"
    return window


# --- MR ----------------------------------------------------------------------------------------------------------

_ADC = _words(r"e?adc|apparent diffusion\w*|汉|表观")
_DIFFUSION = _words(r"dwi|dti|diff|diffusion|ep2d_diff\w*|trace[w]?|dkisi|dsi|ivim|resolve|汉|弥散|扩散")
_SUSCEPTIBILITY = _words(r"swi|swan|swip|venobold|susc\w*|mip_swi|pha_images|汉|磁敏感")
_ANGIOGRAPHY = _words(r"tof|mra|mrv|angio\w*|inhance|汉|血管成像")
_FLAIR = _words(r"flair|dark[ _-]?fluid|tirm|t2_?fl|汉|水抑制|黑水|压水")
_T1 = _words(r"t1\w?|mprage|mp2rage|spgr|bravo|tfe|vibe|fspgr|t1w|汉|T1加权")
_T2_STAR = _words(r"t2[_ -]?(\*|star)|medic|merge|hemo\w*|汉|出血")
_T2 = _words(r"t2\w?|t2w|汉|T2加权")
_PD = _words(r"pd\w?|pdw|proton[ _-]?density|汉|质子密度")
FLAIR_TI_MS = 1600.0
"""Shorter inversion times null fat, or raise the contrast of T1; those of fluid are 1,700 to 2,900 ms (mem)."""


def weighting(exam: Exam, technique: Technique) -> str | None:
    """``ADC``, ``DWI``, ``SWI``, ``MRA``, ``FLAIR``, ``T1``, ``T2``, ``T2*`` or ``PD``; None when nothing says it.

    Contrast by diffusion, susceptibility and flow is what a series is named for; the rest is told by its times,
    since names are typed, and by the name where the times leave it open.
    """
    said = " ".join(filter(None, (exam.SeriesDescription, exam.ProtocolName, technique.SequenceName)))
    kinds = {kind.strip().upper() for kind in exam.ImageType}
    if {"ADC", "EADC"} & kinds or _ADC.search(exam.SeriesDescription or ""):
        return "ADC"
    if (technique.DiffusionBValue or 0) > 0 or "DIFFUSION" in kinds or _DIFFUSION.search(said):
        return "DWI"
    if _SUSCEPTIBILITY.search(said):
        return "SWI"
    if _ANGIOGRAPHY.search(said):
        return "MRA"
    return _by_times(technique, said) or _by_name(said)


def _by_times(technique: Technique, said: str) -> str | None:
    """Spin echoes by TR, TE and TI (textbook ranges, mem). Gradient echoes hang on their angle: they are named."""
    tr, te, ti = technique.RepetitionTime, technique.EchoTime, technique.InversionTime
    if tr is None or te is None or "SE" not in technique.ScanningSequence or "EP" in technique.ScanningSequence:
        return None
    if ti is not None and ti >= FLAIR_TI_MS and tr >= 4000:
        return "FLAIR"
    if _FLAIR.search(said) and tr >= 4000:
        return "FLAIR"
    if te <= 30 and tr <= 1200:
        return "T1"
    if te >= 70 and tr >= 2000:
        return "T2"
    return None


def _by_name(said: str) -> str | None:
    named = (("T2*", _T2_STAR), ("T1", _T1), ("FLAIR", _FLAIR), ("T2", _T2), ("PD", _PD))
    # A "T1 FLAIR" is weighted by T1; a "T2 FLAIR" is a FLAIR.
    return next((name for name, words in named if words.search(said)), None)
