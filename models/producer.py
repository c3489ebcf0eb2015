"""Measurement producers: the seam through which facts are measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from capture.acquisition import Acquisition
from models.catalogue import Level, catalogue
from models.circumstances import Circumstances
from models.measurement import Measured, Measurements, NotMeasured, Reason

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Subject:
    """What a producer may look at."""

    acquisition: Acquisition
    circumstances: Circumstances
    so_far: Measurements


S_contra = TypeVar("S_contra", contravariant=True)
S = TypeVar("S")
P = TypeVar("P", bound="Producer[Any]")


class Producer(Protocol[S_contra]):
    """Four members. ``name`` carries the version: ``noise/1``. It looks at an image, or at a set of them."""

    @property
    def name(self) -> str: ...

    @property
    def provides(self) -> frozenset[str]:
        """Catalogue names this producer reports, each time, measured or not."""

    @property
    def needs(self) -> frozenset[str]:
        """Catalogue names that must be in ``so_far`` before it runs."""

    def measure(self, subject: S_contra) -> Iterable[Measured]:
        """Report the facts. Missing is NotMeasured with a reason."""


MeasurementProducer = Producer[Subject]
Producers = tuple[MeasurementProducer, ...]


class Network(Protocol):
    """What a bundle does: named arrays in, named arrays out."""

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]: ...


class Networks(Protocol):
    """Networks by name (:class:`models.bundles.library.Library`); None where there is none of it."""

    def get(self, name: str, /) -> Any: ...


NO_NETWORKS: Networks = MappingProxyType[str, Any]({})


def discover(networks: Networks = NO_NETWORKS, more: Iterable[MeasurementProducer] = ()) -> Producers:
    """Every producer that an installed package offers, in dependency order.

    Args:
        networks: what those of ``qcbox.network_producers`` ask, each of which is a function of them. The facts of
            one that is not there are NotMeasured(NO_MODEL).
        more: producers beside those of ``qcbox.producers``.

    Raises:
        capture.errors.Misuse: a network is not as its producers need it.
    """
    return in_order([*more, *offered("qcbox.producers", "qcbox.network_producers", networks)])


def offered(group: str, of_networks: str, networks: Networks) -> list[Any]:
    """What installed packages offer under two groups of entry points, the second as functions of the networks."""
    found: list[Any] = []
    for entry in sorted(entry_points(group=group), key=lambda e: e.name):
        found.extend(entry.load())
    for entry in sorted(entry_points(group=of_networks), key=lambda e: e.name):
        found.extend(entry.load()(networks))
    return found


def in_order(producers: Sequence[P]) -> tuple[P, ...]:
    """Producers sorted so that what one needs was provided before.

    Raises:
        ValueError: two producers provide one name, or a needed name is provided by nobody.
        graphlib.CycleError: producers need each other in a circle.
    """
    owner: dict[str, P] = {}
    for producer in producers:
        for name in producer.provides:
            if name in owner:
                raise ValueError(f"{name} is provided by {owner[name].name} and by {producer.name}")
            owner[name] = producer
    by_name = {producer.name: producer for producer in producers}
    graph: dict[str, set[str]] = {producer.name: set() for producer in producers}
    for producer in producers:
        for name in producer.needs:
            if name not in owner:
                raise ValueError(f"{producer.name} needs {name}, which nobody provides")
            graph[producer.name].add(owner[name].name)
    return tuple(by_name[name] for name in TopologicalSorter(graph).static_order())


def pending(producers: Sequence[Producer[Any]], levels: tuple[Level, ...] = ("image",)) -> list[NotMeasured]:
    """The names of these levels that wait for a model bundle or a hospital system: no producer has them yet."""
    provided = frozenset[str]().union(*(producer.provides for producer in producers))
    waiting: list[NotMeasured] = []
    for entry in catalogue().values():
        if entry.name in provided or entry.level not in levels:
            continue
        if entry.needs_model:
            waiting.append(NotMeasured(entry.name, Reason.NO_MODEL, entry.needs_model))
        elif entry.needs_system:
            waiting.append(NotMeasured(entry.name, Reason.NOT_CONNECTED, entry.needs_system))
    return waiting


def measure_all(
    producers: Sequence[MeasurementProducer], acquisition: Acquisition, circumstances: Circumstances
) -> tuple[Measurements, dict[str, float]]:
    """Everything that is measured of one image, and the milliseconds each producer took."""
    return run_all(
        producers,
        lambda so_far: Subject(acquisition, circumstances, so_far),
        Measurements(pending(producers)),
    )


def measure_again(
    producers: Sequence[MeasurementProducer],
    before: Sequence[MeasurementProducer],
    facts: Measurements,
    acquisition: Acquisition,
    circumstances: Circumstances,
) -> Measurements:
    """What other producers measure of the same image: those that ``before`` had too do not run again."""
    again, kept = changed(producers, before)
    start = Measurements([*pending(producers), *(fact for fact in facts if fact.name in kept)])
    return run_all(again, lambda so_far: Subject(acquisition, circumstances, so_far), start)[0]


def changed(producers: Sequence[Producer[S]], before: Sequence[Producer[S]]) -> tuple[list[Producer[S]], set[str]]:
    """Which producers have to run where ``before`` ran already, and the names of the facts that stand.

    One runs again where what it needs may have changed. ``producers`` are in dependency order.
    """
    same = {id(producer) for producer in before}
    kept: set[str] = set()
    again: list[Producer[S]] = []
    for producer in producers:
        if id(producer) in same and producer.needs <= kept:
            kept |= producer.provides
        else:
            again.append(producer)
    return again, kept


def run_all(
    producers: Sequence[Producer[S]], subject_of: Callable[[Measurements], S], facts: Measurements
) -> tuple[Measurements, dict[str, float]]:
    """Run every producer; return all facts and the milliseconds each producer took.

    A producer that raises costs only its own facts: they become NotMeasured(FAILED) with the
    exception's type, because one odd image must not leave the technologist without a verdict.
    """
    took: dict[str, float] = {}
    for producer in producers:
        started = time.perf_counter()
        try:
            reported = list(producer.measure(subject_of(facts)))
        except Exception as error:  # noqa: BLE001 - the one place where a measure may fail alone
            detail = f"{producer.name}: {type(error).__name__}"
            reported = [NotMeasured(name, Reason.FAILED, detail) for name in sorted(producer.provides)]
        facts = facts.plus(reported)
        silent = producer.provides - {fact.name for fact in reported}
        if silent:
            detail = f"{producer.name} reported nothing"
            facts = facts.plus(NotMeasured(name, Reason.FAILED, detail) for name in sorted(silent))
        took[producer.name] = (time.perf_counter() - started) * 1000
    return facts, took
