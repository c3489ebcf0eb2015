"""Events of a screen: a new image, another look of it, live, frozen, covered, seen before.

Decided on quarter-size luma of the image box (:mod:`capture.screen.blocks`), never by stillness alone: the anchors
must be in place, and where the screen has a second witness (image number, exposure time, FROZEN) it must agree.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from capture.screen.blocks import MOSTLY, PLAINLY, Compared, Grid, Look, Relation
from capture.screen.memory import Key, Memory, digest
from capture.screen.pace import Pace
from capture.screen.template import Template

PATIENT = ("PatientID", "AccessionNumber", "PatientName", "StudyID")
"""Fields that go with the witnesses: an image number begins anew with each patient."""
EventName = Literal["new", "update", "freeze", "live", "occluded", "revealed", "seen", "no_signal"]
Kinds = tuple[EventName, ...]

_AGAIN_S, _PATIENT_S, _LATER_S = 0.25, 5.0, 2.0
"""What could not be decided is looked at again so often; after five seconds of rest more seldom."""
_WITNESS_S = 2.0
"""How long a witness may come after its image."""
_PROCESSING_S = 15.0
"""Within so long after a new image another picture with the same witness is its final version; later somebody
looks at something: zoomed, rotated, a comparison."""


@dataclass(frozen=True, slots=True)
class Event:
    """What happened. ``time``: of the frame that decided it. ``image``: which image it is about, "" for none.
    ``since``: when the picture had come to rest."""

    kind: EventName
    time: float
    image: str = ""
    since: float = 0.0


class Witness(Protocol):
    """The newest frame at full size, looked at only when something is to be decided."""

    def placed(self) -> bool:
        """Whether the anchors are in place."""

    def texts(self) -> tuple[str | None, ...]:
        """What :func:`asked` names, in that order; None where it is not what was taught."""


def asked(template: Template) -> tuple[str, ...]:
    """Keywords of the fields that a witness reads: the template's witnesses, then what names the patient."""
    if not template.witnesses or template.frozen_text:
        return template.witnesses
    taught = {field.keyword for field in template.fields}
    return (*template.witnesses, *(k for k in PATIENT if k in taught and k not in template.witnesses))


@dataclass(slots=True)
class _Shown:
    """What is in the image box, as far as it was understood."""

    look: Look
    image: str
    hidden: NDArray[np.bool_] | None = None
    """Blocks that something covers, and how that looks."""
    cover: Look | None = None


class Detector:
    """Of one template of one screen. Used by one thread."""

    def __init__(
        self,
        template: Template,
        memory: Memory | None = None,
        *,
        name: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        """``memory``: what the screen showed before this process began. ``name``: names a new image."""
        self.memory = memory or Memory()
        self.grid = Grid(template)
        self._template, self._name = template, name
        self._pace = Pace(self.grid)
        self._shown: _Shown | None = None
        self._begun = not self.memory.empty
        self._emptied = False
        self._live = self._lost = False
        self._open, self._again_at, self._new_at = True, float("-inf"), float("-inf")

    def feed(self, luma: NDArray[np.uint8], time: float, witness: Witness) -> tuple[Event, ...]:
        """What this frame tells. ``luma``: every fourth pixel of the whole screen, (rows / 4, columns / 4)."""
        if not self.grid.usable.any():
            return ()
        self._lost = False
        look = self.grid.cut(luma)
        self._pace.feed(look, time)
        if not self._pace.resting:
            self._open, self._again_at = True, float("-inf")
            return self._events(self._alive(witness), time)
        if not self._open or time < self._again_at:
            return ()
        rested = time - self._pace.still_since
        self._again_at = time + (_AGAIN_S if rested < _PATIENT_S else _LATER_S)
        return self._events(self._look_at(look, time, witness), time)

    def lost(self, time: float) -> tuple[Event, ...]:
        """There is no picture any more: nothing is forgotten, nothing is decided until there is one again."""
        self.away()
        before, self._lost = self._lost, True
        return () if before else (Event("no_signal", time),)

    def away(self) -> None:
        """Another screen is shown: what comes back is looked at anew."""
        self._pace.forget()
        self._open, self._again_at = True, float("-inf")

    def _events(self, kinds: Kinds, time: float) -> tuple[Event, ...]:
        image = self._shown.image if self._shown else ""
        return tuple(Event(kind, time, image, self._pace.still_since) for kind in kinds)

    def _alive(self, witness: Witness) -> Kinds:
        if self._template.event_mode != "freeze" or self._live or not self._pace.live or not witness.placed():
            return ()
        self._live = True
        return ("live",)

    def _look_at(self, look: Look, time: float, witness: Witness) -> Kinds:
        """The picture rests: what is it? Unless that stays open, it is not asked again before something moves."""
        if self.grid.blank(look):
            self._emptied = self._begun = True
            return self._settled()
        if not witness.placed():
            return ()
        if self._live:
            return self._frozen(look, time, witness)
        if self._shown is None:
            return self._first(look, time, witness)
        return self._against(self._shown, look, time, witness)

    def _settled(self, *kinds: EventName) -> Kinds:
        self._open = False
        return kinds

    def _frozen(self, look: Look, time: float, witness: Witness) -> Kinds:
        """A live picture stopped: each freeze is an image, even one that looks like the last."""
        texts = witness.texts()
        if self._template.frozen_text:
            agreed = any(self._template.frozen_text in text for text in texts if text)
        else:
            agreed = not self._template.witnesses or self._fresh(digest(texts))
        if not agreed:
            return ()
        self._live = False
        return self._new(look, time, digest(texts), "freeze", "new")

    def _first(self, look: Look, time: float, witness: Witness) -> Kinds:
        """Nothing was understood yet in this process's life."""
        known = self.memory.seen(look.thumb, self.grid.usable)
        if known:
            return self._show(look, known, "seen")
        key = digest(witness.texts())
        if not self._begun or self._template.event_mode == "freeze":
            self._begun = True
            return self._remember(look, self._name(), key, "seen")
        if not self._template.witnesses or self._fresh(key):
            return self._new(look, time, key, "new")
        other = self.memory.image_of(key) if self._says(key) else ""
        return self._show(look, other, "seen") if other else ()

    def _against(self, shown: _Shown, look: Look, time: float, witness: Witness) -> Kinds:
        compared = self.grid.compare(shown.look, look)
        if compared.relation is Relation.SAME and not self._emptied:
            covered, shown.hidden = shown.hidden is not None, None
            return self._settled("revealed") if covered else self._settled()
        if self._still_covered(shown, look):
            return self._settled()
        if self._emptied and compared.relation is Relation.COVERED:  # what went away is not covered
            compared = replace(compared, relation=Relation.DIFFERENT)
        if compared.relation is Relation.COVERED and compared.kept >= PLAINLY and compared.flat >= MOSTLY:
            return self._cover(shown, look, compared)
        return self._judge(shown, look, time, compared, digest(witness.texts()))

    def _still_covered(self, shown: _Shown, look: Look) -> bool:
        return (
            shown.hidden is not None
            and shown.cover is not None
            and self.grid.unchanged(shown.cover, look, shown.hidden)
        )

    def _cover(self, shown: _Shown, look: Look, compared: Compared) -> Kinds:
        covered = shown.hidden is not None
        shown.hidden, shown.cover = compared.hidden, look
        return self._settled() if covered else self._settled("occluded")

    def _judge(self, shown: _Shown, look: Look, time: float, compared: Compared, key: Key) -> Kinds:
        freezes = self._template.event_mode == "freeze"
        if self._fresh(key) and not freezes:
            return self._new(look, time, key, "new")
        image = self.memory.seen(look.thumb, self.grid.usable) or (
            self.memory.image_of(key) if self._says(key) else ""
        )
        if image and image != shown.image:
            return self._show(look, image, "seen")
        if compared.relation is Relation.EMPTY:
            self._emptied = True
            return self._settled()
        if compared.relation is Relation.SAME:  # it was away and is back
            self._emptied = False
            return self._settled()
        if compared.relation in (Relation.GREY, Relation.GAINED):
            return self._update(shown, look, key)
        processed = bool(self._template.witnesses) and time - self._new_at < _PROCESSING_S
        if compared.relation is Relation.COVERED and (compared.flat >= MOSTLY or not processed):
            return self._cover(shown, look, compared)
        if freezes:  # another still picture without a live one between: an old one, or a scroll through the loop
            return ()
        if not self._template.witnesses:
            return self._new(look, time, key, "new")
        return self._late(shown, look, time, key)

    def _says(self, key: Key) -> bool:
        """Whether a witness could be read."""
        return any(key[: len(self._template.witnesses)])

    def _fresh(self, key: Key) -> bool:
        """Whether the witnesses say something that they never said of this patient."""
        return self._says(key) and not self.memory.image_of(key)

    def _late(self, shown: _Shown, look: Look, time: float, key: Key) -> Kinds:
        """Another picture, and the witness does not say another image, or not yet."""
        if time - self._pace.still_since < _WITNESS_S or not self._says(key):
            return ()
        return self._update(shown, look, key) if time - self._new_at < _PROCESSING_S + _WITNESS_S else ()

    def _new(self, look: Look, time: float, key: Key, *kinds: EventName) -> Kinds:
        self.memory.current = self._name()
        self._new_at = time
        return self._remember(look, self.memory.current, key, *kinds)

    def _update(self, shown: _Shown, look: Look, key: Key) -> Kinds:
        """Another look of the image. Of one that is not the current one nobody asks."""
        current = shown.image == self.memory.current
        return self._remember(look, shown.image, key, *(("update",) if current else ()))

    def _remember(self, look: Look, image: str, key: Key, *kinds: EventName) -> Kinds:
        self.memory.add(image, look.thumb, key)
        return self._show(look, image, *kinds)

    def _show(self, look: Look, image: str, *kinds: EventName) -> Kinds:
        self._shown, self._emptied = _Shown(look, image), False
        return self._settled(*kinds)
