"""The words of rollouts: states, where boxes stand, what was done and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cloud_sync.central.frame import View
from cloud_sync.central.rollout.terms import Reason
from cloud_sync.kit.i18n import mark
from cloud_sync.updates.refusals import REASONS
from models.rules.words import LAYERS

_ROLLOUT: Mapping[str, str] = {
    "running": mark("Running"), "waiting": mark("Waits for approval"), "paused": mark("Paused"),
    "completed": mark("Completed"), "cancelled": mark("Cancelled"), "superseded": mark("Superseded"),
}  # fmt: skip
_STANDING: Mapping[str, str] = {
    "later": mark("Later"),
    "unreached": mark("Not reached"), "working": mark("At work"), "kept": mark("Committed"),
    "failed_verify": mark("Verification failed"), "failed_selftest": mark("Self-test failed"),
    "rolled_back": mark("Rolled back"), "timed_out": mark("No report in time"), "declined": mark("Declined"),
    "accepted": mark("Failed, accepted"),
}  # fmt: skip
_CONTENT: Mapping[str, str] = {
    "assigned": mark("Assigned"), "staged": mark("Downloaded"), "verified": mark("Verified"),
    "tested": mark("Self-test passed"), "shadow": mark("In shadow"), "probation": mark("On probation"),
    "committed": mark("Committed"), "superseded": mark("Superseded"), "cancelled": mark("Cancelled"),
    "rejected": mark("Declined"), "failed_verify": mark("Verification failed"),
    "failed_selftest": mark("Self-test failed"), "rolled_back": mark("Rolled back"),
}  # fmt: skip
_DEED: Mapping[str, str] = {
    "started": mark("Started"), "approved": mark("Approved"), "hurried": mark("Next wave at once"),
    "paused": mark("Paused"), "resumed": mark("Resumed"), "stop_set": mark("Stop after this wave"),
    "aborted": mark("Aborted"), "advanced": mark("Next wave"), "stopped_to_look": mark("Stopped to look"),
    "completed": mark("Completed"), "superseded": mark("Superseded"),
    "withdrawn": mark("Withdrawn"),
}  # fmt: skip
_REASON: Mapping[str, str] = {
    "reports": mark("{reported} of {needed} reports that this wave needs"),
    "dark": mark("Only {online} boxes are online; it goes on when {needed} are"),
    "success": mark("{percent} % of the boxes that reported kept it, {needed} % are needed"),
    "soak": mark("Success; the next step is due at {until}"),
    "failures": mark("{failed} of {reported} boxes that reported: {failure} ({percent} %, limit {limit} %)"),
    "alerts": mark(
        "{rate} % of {images} images alert on boxes with the release, {control} % of {control_images} without it, "
        "{before} % of {before_images} on the same boxes before"
    ),
    "repeats": mark(
        "{rate} % of {images} images are repeated on boxes with the release, {control} % of {control_images} "
        "without it, {before} % of {before_images} on the same boxes before"
    ),
    "approval": mark("The wave succeeded; a person must say go on"),
    "superseded": mark("Version {version} took its place"),
    "withdrawn": mark("The release was withdrawn: no box may run it any more"),
}  # fmt: skip
_ANY = mark("failed")
_STALE_HELP: Mapping[str, str] = {
    "trust.expired": mark(
        "Bring it on line, or hand it a fresh copy on a stick (qcbox-central repository copy). If other boxes say "
        "so too, look at Signing: the centre must sign the timestamp every day."
    ),
    "trust.clock": mark("Set its clock right (NTP); it takes new releases by itself then."),
    "content.room": mark("Free space on its disk."),
    "content.disk": mark("Its disk cannot be written: have it looked at."),
}  # fmt: skip
_STALE_ELSE = mark(
    "What it is offered is not what the group signed. Look at how it comes by it (proxy, mirror, stick); on the "
    "box, qcbox content status says more."
)
_ROLE: Mapping[str, str] = {
    "technologist": mark("Technologist"), "qc-lead": mark("QC lead"), "engineer": mark("Engineer"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RolloutWords:
    """Templates call it ``words``."""

    view: View

    def state(self, key: str) -> str:
        return self._say(_ROLLOUT, key)

    def standing(self, key: str) -> str:
        return self._say(_STANDING, key)

    def content(self, key: str) -> str:
        return self._say(_CONTENT, key)

    def deed(self, key: str) -> str:
        return self._say(_DEED, key)

    def role(self, key: str) -> str:
        return self._say(_ROLE, key)

    def layer(self, key: str) -> str:
        return f"{key} {LAYERS[key].get(self.view.language)}" if key in LAYERS else key

    def reason(self, reason: Reason) -> str:
        """Why, with its figures; "" where the deed says it all."""
        if reason.code not in _REASON:
            return ""
        values: dict[str, object] = dict(reason.figures)
        if "until" in values:
            values["until"] = self.view.time(int(reason.values["until"]))
        if "failure" in values:
            failure = str(values["failure"])
            values["failure"] = self._say({**_STANDING, "any": _ANY}, failure)
        return self.view.centre.pages.texts.say(self.view.language, _REASON[reason.code], **values)

    def stale(self, code: str) -> str:
        """Why a box can activate nothing new."""
        said = REASONS.get(code.removeprefix("trust."))
        return self.view.title(*said) if said and code.startswith("trust.") else code

    def stale_help(self, code: str) -> str:
        """What to do about it."""
        return self.view.centre.pages.texts.say(self.view.language, _STALE_HELP.get(code, _STALE_ELSE))

    def _say(self, words: Mapping[str, str], key: str) -> str:
        return self.view.centre.pages.texts.say(self.view.language, words[key]) if key in words else key
