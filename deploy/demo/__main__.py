"""``python -m deploy.demo``: start a whole qcbox, send real images, show what it says of them."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from capture.errors import QcError
from deploy.demo.objects import Specimen, specimens
from deploy.demo.outcome import Outcome, at_box, at_centre
from deploy.demo.sending import storescu
from deploy.demo.site import Site

PATIENCE_S = 120.0
COLOURS = {"jia": 32, "yi": 33, "bing": 35, "fei": 31}


def main() -> int:
    """Exit 0 when every object sent has exactly one verdict at box and centre, else 1."""
    parser = argparse.ArgumentParser(prog="deploy/quickstart", description=__doc__)
    parser.add_argument("--once", action="store_true", help="send, check, and end")
    parser.add_argument(
        "--state", type=Path, default=Path("demo-state"), help="folder for everything the demo writes"
    )
    options = parser.parse_args()
    shutil.rmtree(options.state, ignore_errors=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        print("Starting broker, centre, receiver and agent on loopback ...", flush=True)
        with Site(options.state) as site:
            complete = send_and_show(site)
            say_where(site)
            if not options.once:
                print("\nCtrl-C ends the demo.", flush=True)
                signal.pause()
        return 0 if complete else 1
    except KeyboardInterrupt:
        return 0
    except (QcError, AssertionError) as error:
        print(f"\nThe demo failed: {error}\nLogs are in {options.state}/*.log", file=sys.stderr)
        return 1


def send_and_show(site: Site) -> bool:
    """Send every specimen, print each verdict as it comes, and check that nothing is missing or double."""
    print(f"\n{'sent with storescu':20} {'grade':>6} {'score':>6} {'seconds':>8}  worst finding")
    sent = list(specimens(site.folder))
    for specimen in sent:
        storescu(site.dicom_port, specimen.TransferSyntaxUID, [specimen.path])
        show(specimen, verdict_of(site, specimen))
    return complete(site, sent)


def verdict_of(site: Site, specimen: Specimen) -> Outcome | None:
    """The box's outcome once it is judged and alerted; None when patience ends."""
    for _ in patience():
        for outcome in at_box(site.folder / "box" / "qcbox.db"):
            if outcome.SOPInstanceUID == specimen.SOPInstanceUID and outcome.seconds is not None:
                return outcome
    return None


def patience() -> Iterator[None]:
    """A step every 50 ms until patience ends."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        yield
        time.sleep(0.05)


def show(specimen: Specimen, outcome: Outcome | None) -> None:
    """One line for one image."""
    if outcome is None:
        print(f"{specimen.label:20} no verdict within {PATIENCE_S:.0f} s", flush=True)
        return
    grade = outcome.grade or "-"
    shown = f"{grade:>6}"
    if sys.stdout.isatty():
        shown = f"\033[{COLOURS.get(grade, 0)}m{shown}\033[0m"
    score = "-" if outcome.score is None else f"{outcome.score:.0f}"
    worst = outcome.worst or ("nothing to mention" if outcome.grade else "not judged: derived or secondary")
    print(f"{specimen.label:20} {shown} {score:>6} {outcome.seconds:8.2f}  {worst}", flush=True)


def complete(site: Site, sent: Sequence[Specimen]) -> bool:
    """Whether box and centre have each object exactly once; says what is wrong otherwise."""
    once_at_centre = False
    for _ in patience():
        results = at_centre(site.folder / "central.db")
        if len(results) >= len(sent):
            once_at_centre = len(results) == len(sent) and set(results.values()) == {1}
            break
    outcomes = at_box(site.folder / "box" / "qcbox.db")
    by_uid = {outcome.SOPInstanceUID: outcome for outcome in outcomes}
    once_at_box = len(outcomes) == len(sent) and all(
        by_uid.get(one.SOPInstanceUID) is not None and by_uid[one.SOPInstanceUID].verdicts == 1 for one in sent
    )
    print(
        f"\n{len(sent)} objects sent; exactly one verdict each at the box: {'yes' if once_at_box else 'NO'}, "
        f"exactly one result each at the centre: {'yes' if once_at_centre else 'NO'}"
    )
    return once_at_box and once_at_centre


def say_where(site: Site) -> None:
    """Addresses and log-ins."""
    print(f"\nConsole  {site.console_url}")
    for login in site.logins:
        print(f"         {login.role:13} {login.name:9} {login.secret}")
    centre = site.centre_login
    print(f"Centre   {site.centre_url}\n         {centre.role:13} {centre.name:9} {centre.secret}")
    print(
        f"DICOM    storescu -aec QCBOX 127.0.0.1 {site.dicom_port} FILE   or copy files to {site.inbox}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
