"""Screen templates that come signed: into the site's library while they are in force, out of use when taken back.

What was taught here is never touched: a screen that uses a template of its own keeps it, whatever its name. A
screen on which somebody chose a signed template follows it from release to release by itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import structlog

from capture.errors import Misuse
from capture.screen.library import Library
from capture.screen.template import Template, load
from cloud_sync.updates.disk import write_whole
from edge.content.chosen import Chosen
from edge.content.loading import Account, Refused, read
from edge.content.trusting import trust_of
from models.content.kinds import TEMPLATE
from models.content.package import Package

log = structlog.get_logger()


def follow(screens: Path, sources: Collection[str], chosen: Chosen, account: Account) -> None:
    """Bring the library to what runs now. Blocks; may be cut off anywhere and done again.

    Args:
        screens: folder of the site's library.
        sources: names of the box's screens.
        chosen: what shall be in force.
        account: what was found to be as signed, and runs.
    """
    try:
        changed = Signed(screens).follow(
            (load(one.files[TEMPLATE]) for one in _packages(chosen, account)), sources
        )
    except (OSError, Misuse, Refused) as error:
        # The screens go on with what they have; the next change or start tries again.
        log.error("screen.templates", code=getattr(error, "code", "disk"), error=type(error).__name__)
        return
    if changed:
        log.info("content.templates", count=changed)


class Signed:
    """Knows which templates of a library came signed: by their content, noted before they are put in."""

    def __init__(self, screens: Path) -> None:
        """``screens``: folder of the site's library."""
        self._library, self._record = Library(screens), screens / "signed.json"

    def follow(self, running: Iterable[Template], sources: Collection[str]) -> int:
        """Put in what runs, and move the screens that use signed templates to it. How many screens were moved.

        Raises:
            Misuse: ``template.*``: the library was changed by hand.
            OSError: the disk.
        """
        known = self._known()
        versions = {template.id: version for template in running if (version := self._put_in(template, known))}
        return sum(
            self._move(source, use, versions.get(use.id), known) for source, use in self._uses(sources, known)
        )

    def _put_in(self, template: Template, known: set[str]) -> int | None:
        """Its version in the library; None when the same was taught here, which stays the site's own."""
        content = fingerprint(template)
        if content not in known:
            if any(content == fingerprint(one) for one in self._versions(template.id)):
                return None
            known.add(content)
            write_whole(self._record, json.dumps(sorted(known)).encode())
        return self._library.import_(template.dump()).version

    def _uses(self, sources: Collection[str], known: set[str]) -> Iterator[tuple[str, Template]]:
        """Screens with a template that came signed."""
        for source in sources:
            yield from ((source, use) for use in self._library.active(source) if fingerprint(use) in known)

    def _move(self, source: str, use: Template, version: int | None, known: set[str]) -> bool:
        if version == use.version:
            return False
        if version is not None:
            self._library.activate(source, use.id, version)
            return True
        while True:  # taken back: to what the site itself used before, if anything
            try:
                before = self._library.roll_back(source, use.id)
            except Misuse as error:
                if error.code != "template.no_previous":
                    raise
                self._library.deactivate(source, use.id)
                return True
            if fingerprint(before) not in known:
                return True

    def _versions(self, id: str) -> Iterator[Template]:
        return (self._library.get(id, version) for version in self._library.versions(id))

    def _known(self) -> set[str]:
        try:
            return set(json.loads(self._record.read_bytes()))
        except (FileNotFoundError, ValueError):
            return set()


def fingerprint(template: Template) -> str:
    """Of what a template says, whatever its version is called here."""
    return hashlib.sha256(template.model_copy(update={"version": 1}).dump()).hexdigest()


def _packages(chosen: Chosen, account: Account) -> Iterator[Package]:
    """The template packages that run, read and verified again."""
    own = {one.sha256 for one in account.running if one.kind == "template" and one.origin == "group"}
    if not own or chosen.folder is None:
        return
    trust = trust_of(chosen.folder)
    for slot in chosen.slots:
        for held in (slot.active, slot.previous):
            if held is not None and held.sha256 in own:
                own.discard(held.sha256)
                yield read(chosen.folder, held, trust.check)[0]
