"""What an engineer does to a draft, one step of undo each. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from capture.screen.propose import Proposal
from capture.screen.template import Box
from capture.screen.tokens import plain
from edge.teaching.corrections import Habit
from edge.teaching.draft import IMAGE, Draft, DraftField, FrameName, Spot
from edge.teaching.keywords import MEANINGS, WITNESSES

_LEAST = 4
"""Pixels a box has at least: nothing smaller can be taken hold of."""


def fitted(draft: Draft, box: Box) -> Box:
    """The box moved and cut so that it lies on the screen."""
    w, h = min(max(box.w, _LEAST), draft.width), min(max(box.h, _LEAST), draft.height)
    return Box(x=min(box.x, draft.width - w), y=min(box.y, draft.height - h), w=w, h=h)


def place(draft: Draft, key: str, box: Box) -> Draft:
    """Move or resize. An unknown key changes nothing: somebody else removed it meanwhile."""
    box = fitted(draft, box)
    if key == IMAGE:
        return draft.model_copy(update={"image": box})
    return draft.model_copy(
        update={
            "fields": tuple(
                one.model_copy(update={"box": box}) if one.key == key else one for one in draft.fields
            ),
            "spots": tuple(one.model_copy(update={"box": box}) if one.key == key else one for one in draft.spots),
        }
    )


def add(draft: Draft, role: str, box: Box) -> Draft:
    """A new box: ``field``, ``image``, or the role of a spot."""
    if role == IMAGE:
        return place(draft, IMAGE, box)
    key, box = f"{role[0]}{draft.next}", fitted(draft, box)
    update: dict[str, object] = {"next": draft.next + 1}
    if role == "field":
        update["fields"] = (*draft.fields, DraftField(key=key, box=box))
    else:
        update["spots"] = (*draft.spots, Spot.model_validate({"key": key, "role": role, "box": box}))
    return draft.model_copy(update=update)


def newest(draft: Draft, role: str) -> str:
    """The key that :func:`add` gave."""
    return IMAGE if role == IMAGE else f"{role[0]}{draft.next - 1}"


def remove(draft: Draft, key: str) -> Draft:
    """Take a box away, and what was confirmed of it."""
    return draft.model_copy(
        update={
            "fields": tuple(one for one in draft.fields if one.key != key),
            "spots": tuple(one for one in draft.spots if one.key != key),
            "confirmed": {
                frame: {other: text for other, text in said.items() if other != key}
                for frame, said in draft.confirmed.items()
            },
        }
    )


def describe(draft: Draft, key: str, told: Mapping[str, object]) -> Draft:
    """What a field means. A new name brings what is usual of it, and is taken from the field that had it."""
    before = draft.field(key)
    if before is None:
        return draft
    field = DraftField.model_validate({**before.model_dump(), **told})
    usual = MEANINGS.get(field.keyword)
    if usual is not None and field.keyword != before.keyword:
        usually = {
            "kind": usual.usual.kind,
            "identifying": usual.usual.identifying,
            "witness": field.keyword in WITNESSES,
        }
        field = field.model_copy(update=usually)

    def now(one: DraftField) -> DraftField:
        if one.key == key:
            return field
        taken = field.keyword and one.keyword == field.keyword
        return one.model_copy(update={"keyword": ""}) if taken else one

    return draft.model_copy(update={"fields": tuple(now(one) for one in draft.fields)})


def confirm(draft: Draft, frame: FrameName, said: Mapping[str, str]) -> Draft:
    """What a person says the fields of a frame show; "" where nothing stands."""
    known = {field.key for field in draft.named}
    texts = {**draft.confirmed.get(frame, {}), **{key: text for key, text in said.items() if key in known}}
    return draft.model_copy(update={"confirmed": {**draft.confirmed, frame: texts}})


def learn(draft: Draft, habit: Habit) -> Draft:
    """Take over what people corrected again and again."""
    field = next((one for one in draft.named if one.keyword == habit.keyword), None)
    if field is None:
        return draft
    update: dict[str, object] = {}
    if habit.kind == "read_as":
        update["read_as"] = (*field.read_as, (plain(habit.read), habit.texts[0]))
    elif habit.kind == "choice":
        update["choices"] = (*field.choices, *habit.texts)
    elif habit.kind == "range":
        numbers = [float(one) for one in habit.texts]
        update["low"] = None if field.low is None else min(field.low, *numbers)
        update["high"] = None if field.high is None else max(field.high, *numbers)
    else:
        known = draft.learnt.get(field.keyword, ())
        learnt = {**draft.learnt, field.keyword: tuple(dict.fromkeys((*known, *habit.texts)))}
        return draft.model_copy(update={"learnt": learnt})
    now = field.model_copy(update=update)
    return draft.model_copy(update={"fields": tuple(now if one is field else one for one in draft.fields)})


def forget(draft: Draft, frame: FrameName) -> Draft:
    """Another picture has taken that frame's place: what was said of the old one is void."""
    kept = {name: said for name, said in draft.confirmed.items() if name != frame}
    return draft.model_copy(update={"confirmed": kept})


def _column(draft: Draft, box: Box) -> tuple[int, int, int]:
    """Down each column, as people read a console; the columns from left to right."""
    return round(6 * box.x / draft.width), box.y, box.x


def proposed(draft: Draft, proposal: Proposal) -> Draft:
    """The boxes of a proposal instead of those there are."""
    fields: list[DraftField] = []
    taken: set[str] = set()
    for number, one in enumerate(sorted(proposal.fields, key=lambda one: _column(draft, one.box)), 1):
        keyword = one.keyword if one.keyword not in taken else ""
        taken.add(keyword)
        fields.append(
            DraftField(
                key=f"f{number}",
                box=fitted(draft, one.box),
                keyword=keyword,
                kind=one.kind,
                label=one.label,
                unit=one.unit,
                identifying=one.identifying,
                low=one.low,
                high=one.high,
                witness=keyword in WITNESSES,
            )
        )
    spots = tuple(
        Spot(key=f"a{number}", role="anchor", box=one.box, text=one.text)
        for number, one in enumerate(proposal.anchors, len(fields) + 1)
    )
    return draft.model_copy(
        update={
            "fields": tuple(fields),
            "spots": spots,
            "image": fitted(draft, proposal.image),
            "event_mode": proposal.event_mode,
            "confirmed": {},
            "next": len(fields) + len(spots) + 1,
        }
    )
