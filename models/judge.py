"""judge(): an acquisition in, measurements and a verdict out. Pure: no clock, no network, no database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from capture.acquisition import Acquisition
from models.bundles.library import SITE_MOST, Library, library, load_site
from models.bundles.site_network import SiteNetwork
from models.catalogue import Entry
from models.circumstances import Circumstances
from models.measurement import Measured, Measurement, Measurements, Reason
from models.producer import MeasurementProducer, discover, measure_all
from models.rules.evaluate import evaluate
from models.rules.pack import BUILTIN, RuleSet, load_folders
from models.rules.verdict import BundleUsed, Severity, Verdict
from models.screen import HARDEST, limited
from models.sets.producer import SetProducer, discover_sets


@dataclass(frozen=True, slots=True)
class Content:
    """What judges: the producers of this release, the active rule packs, and the networks."""

    producers: tuple[MeasurementProducer, ...]
    rules: RuleSet
    bundles: Library = field(default_factory=library)
    trial: RuleSet | None = None
    """The rules with the packs on trial among them; None: nothing is on trial."""
    set_producers: tuple[SetProducer, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """Everything that comes out of judging one acquisition."""

    measurements: Measurements
    verdict: Verdict
    shadow: Verdict | None = None
    """What the packs on trial would have made of it; nobody is shown it."""


def load_content(
    packs: Iterable[Path] = (),
    bundles: Iterable[Path] = (),
    bundle_most: int = SITE_MOST,
    trial: Sequence[Path] = (),
) -> Content:
    """What ships, with a site's own rule packs and networks beside it. Their facts enter the catalogue.

    Args:
        packs: folders of rule packs.
        bundles: folders of bundles.
        bundle_most: bytes that one of the site's bundles may have.
        trial: folders of rule packs that judge in the shadow, beside ``packs``.

    Raises:
        capture.errors.Misuse: a pack or bundle is not as it must be.
    """
    site = load_site(bundles, bundle_most)
    networks = [SiteNetwork(bundle, bundle.door) for bundle in site if bundle.door]
    own = [BUILTIN, *packs]
    return Content(
        discover(networks),
        load_folders(own),
        Library([*library(), *site]),
        load_folders([*own, *trial]) if trial else None,
        discover_sets(),
    )


def judge(acquisition: Acquisition, content: Content, circumstances: Circumstances) -> Judgement:
    """Measure, then apply the rules. The same inputs give the same judgement (timings apart)."""
    measured, took = measure_all(content.producers, acquisition, circumstances)
    measurements = limited(measured, acquisition)
    hardest = HARDEST if acquisition.medium == "screen" else Severity.VETO
    verdict = evaluate(measurements, content.rules, took, hardest)
    shadow = evaluate(measurements, content.trial, {}, hardest) if content.trial else None
    return Judgement(
        measurements,
        replace(verdict, bundles=_behind(measurements, content)),
        replace(shadow, mode="shadow") if shadow else None,
    )


def _behind(measurements: Measurements, content: Content) -> tuple[BundleUsed, ...]:
    """The networks that said something of this image, if only that it is unlike what they learnt from."""
    names = content.rules.names
    used = {_bundle_of(fact, names) for fact in measurements if _has_spoken(fact)}
    return tuple(bundle.fingerprint for bundle in content.bundles if bundle.name in used)


def _bundle_of(fact: Measured, names: Mapping[str, Entry]) -> str | None:
    entry = names.get(fact.name)
    return entry.needs_model if entry else None


def _has_spoken(fact: Measured) -> bool:
    return isinstance(fact, Measurement) or fact.reason is Reason.UNLIKE_TRAINING
