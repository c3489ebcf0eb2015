"""Every log event and every log field there is. What is not listed does not reach the journal.

Events are ``noun.verb``. The handbook's table of events is checked against this file.
"""

from __future__ import annotations

EVENTS: dict[str, str] = {
    "process.started": "A process is ready to work",
    "process.stopping": "A process was asked to end",
    "process.failed": "A part of a process failed, so the process ends; it will be started again",
    "association.refused": "A DICOM peer was turned away, with the reason",
    "association.ended": "A DICOM association ended; fields say how",
    "instance.stored": "An object is on disk, synced, and was answered Success",
    "instance.refused": "An object was not taken; status says why",
    "device.told": "A device said what it did (MPPS), or asked whether its images are safe",
    "device.not_understood": "What a device said of its images cannot be read",
    "spool.low": "Free space is under the watermark",
    "spool.recovered": "Left-overs of an interrupted reception were removed",
    "file.taken": "A file of the watched folder is in the spool",
    "file.refused": "A file of the watched folder was set aside",
    "folder.unreachable": "The watched folder cannot be read",
    "folder.reached": "The watched folder can be read again",
    "screen.state": "The state of a watched screen changed",
    "screen.event": "Something happened on a watched screen; state says what",
    "screen.held": "What a screen showed waits for room on the disk",
    "screen.dropped": "What a screen showed is lost: the disk was full for too long",
    "screen.templates": "The templates of a screen cannot be read; those in use stay",
    "worklist.lost": "The worklist's server does not answer; what it listed before still counts",
    "worklist.reached": "The worklist's server answers",
    "case.judged": "A verdict is stored",
    "case.set_aside": "A case needs a person; reason says why",
    "case.retried": "A case will be tried again",
    "worker.restarted": "A worker process died or ran out of time",
    "worker.failed": "An image was too much for a worker, which lives on",
    "baseline.drifted": "The latest numbers of a device moved away from its first ones",
    "link.connected": "The broker accepted the box or the centre",
    "link.lost": "The connection to the broker is gone",
    "link.held": "The box keeps its results because the centre or the broker cannot take them; reason says why",
    "link.misread": "A message from the centre could not be read",
    "event.rejected": "The centre refuses an event for good",
    "ingest.committed": "The centre stored a batch",
    "ingest.dead_letter": "The centre could not read a message; it is kept",
    "ingest.integrity": "One key arrived twice with different content",
    "ingest.gap": "The centre misses numbers of a stream",
    "account.login": "Somebody logged in",
    "account.refused": "A log-in failed",
    "retention.swept": "Old files were removed by age or space",
    "backup.made": "An online backup is complete",
    "library.logged": "A library had something to say; its text is not kept, since it may quote input",
    "hands.done": "A taught sequence ran to its end on a foreign screen",
    "hands.stopped": "A taught sequence ended at a step that did not fit; code says why",
    "request.failed": "A page or API call ended in an error",
}

FIELDS: frozenset[str] = frozenset(
    {
        "event", "level", "timestamp", "process", "case", "device", "ms", "code", "reason", "hint", "count",
        "bytes", "state", "status", "calling_ae", "called_ae", "peer", "port", "box", "stream", "seq",
        "grade", "score", "version", "error", "where", "account", "role",
        "attempt", "address", "measure", "step",
    }
)  # fmt: skip
"""``error`` is an exception's type, ``where`` file and line; never its text, which may quote input."""
