"""A verdict typed into a desktop form of somebody else: done, or refused before anything is spoilt."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from capture.errors import Misuse, QcError
from capture.screen.ocr.recogniser import small
from edge.hands.far import far_end
from edge.hands.journal import Journal
from edge.hands.ports import Bgr, Eyes, Hand
from edge.hands.record import Recorder
from edge.hands.room import Hands
from edge.hands.runner import Read, Runner
from edge.hands.sequence import Sequence
from edge.hands.settings import HandSettings
from edge.hands.trial import How, Progress
from tests.desktop import Desktop, desktop
from tests.peers import PATIENCE_S, wait_until

pytestmark = pytest.mark.real
VERDICT = "Grade B 82: rotated"
VALUES = {"PatientID": "P0012345", "verdict": VERDICT}
LINES = (
    "words 252 160 198 30 {PatientID}",
    "click 600 227",
    "type 252 212 377 30 {verdict}",
    "click 180 310",
    "see 270 290 220 40",
    "wait",
)


@dataclass
class Bench:
    desktop: Desktop
    sequence: Sequence
    folder: Path
    read: Read

    def run(self, values: dict[str, str] | None = None, to: str = "", **form: object) -> str:
        """Code of the stop, or ``done``; the form is closed again."""
        saved = self.folder / "saved.txt"
        saved.unlink(missing_ok=True)
        shown = self.desktop.form(saved, **form)
        try:
            with far_end(to or f"vnc://127.0.0.1:{self.desktop.port}", None, None) as (eyes, hand):
                runner = Runner(eyes, hand, self.read)
                runner.run(self.sequence, values or VALUES, Journal(self.folder / "runs", "ris"))
            return "done"
        except QcError as error:
            return error.code
        finally:
            shown.terminate()
            shown.wait(PATIENCE_S)

    @property
    def saved(self) -> str | None:
        path = self.folder / "saved.txt"
        return path.read_text("utf-8") if path.exists() else None


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("hands")
    engine = small()

    def read(crop: Bgr, alphabet: str) -> str:
        return engine.read([crop], [alphabet])[0].text

    with desktop() as one:
        with closing(one.vnc()) as vnc:
            sequence = _recorded(one, vnc, vnc, folder)
        yield Bench(one, sequence, folder, read)


def _recorded(one: Desktop, eyes: Eyes, hand: Hand, folder: Path) -> Sequence:
    """Taught on the form with another patient open."""
    taught = folder / "taught.txt"
    form = one.form(taught, patient="P0000001")

    def ready() -> bool:
        return bool((eyes.look()[216:238, 260:620] > 250).all(axis=2).mean() > 0.8)

    def says_saved() -> bool:
        """In green."""
        colours = eyes.look()[290:330, 270:490].astype(int)
        return bool((colours[:, :, 1] - colours[:, :, 2] > 60).any())

    wait_until(ready, "the form is drawn")
    recorder = Recorder(eyes, hand, roam=2000, seconds=4)
    for line in LINES:
        if line.startswith("see"):
            wait_until(lambda: taught.exists() and says_saved(), "the form has saved")
        recorder.line(line)
    form.terminate()
    form.wait(PATIENCE_S)
    assert taught.read_text("utf-8") == "{verdict}"
    return recorder.sequence("ris", "Type the verdict")


def test_types_the_verdict_and_saves(bench: Bench) -> None:
    assert bench.run() == "done"
    assert bench.saved == VERDICT
    run = sorted((bench.folder / "runs").iterdir())[-1]
    steps = [json.loads(line) for line in (run / "steps.jsonl").read_text("utf-8").splitlines()]
    assert [one["step"] for one in steps if one["state"] == "seen" and one["x"] == one["y"] == 0] == [1, 2, 3, 4]
    assert [(one["step"], one["do"], one["state"]) for one in steps if one["state"] != "seen"] == [
        (1, "click", "done"),
        (2, "type", "done"),
        (3, "click", "done"),
        (4, "wait", "done"),
    ]
    pictures = sorted(path.name for path in run.glob("*.png"))
    assert pictures == [
        *("001-after.png", "001-before.png", "002-after.png", "002-before.png"),
        *("003-after.png", "003-before.png", "004-before.png"),
    ]
    assert VERDICT not in (run / "steps.jsonl").read_text("utf-8")


def test_step_by_step_from_the_console(bench: Bench) -> None:
    """What the page does: each step on a person's word; then a dry run on another patient's form."""
    saved = bench.folder / "saved.txt"
    saved.unlink(missing_ok=True)
    far = HandSettings(name="ris", address=f"vnc://127.0.0.1:{bench.desktop.port}")
    hands = Hands(bench.folder / "hands", bench.folder, (far,), keep_days=30)
    hands.shelf.put(bench.sequence.dump())
    form = bench.desktop.form(saved, x=160, y=130)

    def until(holds: Callable[[Progress], bool], how: How | None = None) -> Progress:
        trial = hands.begin("ris", "ris", how, VALUES) if how else hands.trial
        assert trial is not None
        wait_until(lambda: holds(trial.progress()) or not trial.progress().running, "the trial goes on")
        return trial.progress()

    asks = until(lambda now: now.asks == 1, "steps")
    assert asks.moved[1] == (60, 50) and asks.pictures == ("001-before",) and hands.trial is not None
    with pytest.raises(Misuse, match=r"hands\.busy"):
        hands.begin("ris", "ris", "look", VALUES)
    assert not saved.exists()
    hands.trial.answer("go")
    assert until(lambda now: now.asks == 2).states[1] == "done"
    hands.trial.answer("rest")
    done = until(lambda now: not now.running)
    assert set(done.states.values()) == {"done"} and done.why is None and bench.saved == VERDICT
    form.terminate()
    form.wait(PATIENCE_S)
    form = bench.desktop.form(saved, patient="P0099999")
    looked = until(lambda now: not now.running, "look")
    assert (looked.states[1], looked.states[4], looked.why) == ("words", "not_seen", None)
    assert (looked.folder / f"{looked.picture_of(1)}.png").is_file() and looked.picture_of(1) == "look"
    hands.end()
    form.terminate()
    form.wait(PATIENCE_S)


def test_follows_a_window_that_was_moved(bench: Bench) -> None:
    assert bench.run(x=380, y=250) == "done"
    assert bench.saved == VERDICT


def test_waits_for_a_slow_screen(bench: Bench) -> None:
    assert bench.run(slow_ms=1500) == "done"
    assert bench.saved == VERDICT


def test_a_screen_that_is_too_slow_is_refused(bench: Bench) -> None:
    assert bench.run(slow_ms=30_000) == "hands.not_seen"
    assert bench.saved is None


def test_another_patient_is_refused(bench: Bench) -> None:
    assert bench.run(patient="P0012346") == "hands.words"
    assert bench.saved is None


@pytest.mark.parametrize("after_ms", [0, 1200, 2300])
def test_an_unexpected_dialog_never_spoils_the_remark(bench: Bench, after_ms: int) -> None:
    """Whenever it comes: nothing is saved, or what was wanted."""
    code = bench.run(dialog_ms=after_ms)
    assert (code == "done") == (bench.saved == VERDICT)
    assert bench.saved in (None, VERDICT)
    if after_ms == 0:
        assert code.startswith("hands.") and bench.saved is None


def test_chinese_goes_through_vnc(bench: Bench) -> None:
    chinese = "乙级 82:旋转"
    assert bench.run({**VALUES, "verdict": chinese}) == "done"
    assert bench.saved == chinese


def test_the_same_through_x11(bench: Bench) -> None:
    """ffmpeg sees, xdotool types."""
    assert bench.run(to=f"x11:{bench.desktop.display}") == "done"
    assert bench.saved == VERDICT
