"""``qcbox hands``: record, check and run taught sequences on a console that has no interface."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import cv2
import typer

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.kit import log
from cloud_sync.kit.terminal import language
from edge.hands import gadget as usb
from edge.hands.far import far_end
from edge.hands.journal import Journal, sweep
from edge.hands.ports import Bgr, Eyes, Hand
from edge.hands.record import Recorder
from edge.hands.runner import Runner, reader
from edge.hands.sequence import Sequence, Step, load
from edge.hands.values import values_of
from edge.settings import Settings
from edge.settings_file import load as load_settings
from edge.store import cards
from edge.store.cards import Card
from edge.store.database import engine

app = typer.Typer(no_args_is_help=True, help="A taught sequence of clicks and keys on a closed console.")
File = Annotated[Path, typer.Argument(metavar="SEQUENCE", help="A recorded sequence (JSON).")]
To = Annotated[str, typer.Option(help="vnc://HOST:PORT, x11::DISPLAY, or usb:/dev/hidg0,/dev/hidg1.")]
Screen = Annotated[str, typer.Option(help="Screen of the configuration to look at, for usb.")]
Password = Annotated[Path | None, typer.Option(help="File with the VNC password.")]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A value that is typed.")]
Case = Annotated[str, typer.Option(help="Case whose verdict and identity give the values.")]
Config = Annotated[Path | None, typer.Option(help="Configuration file (TOML).")]
Lang = Annotated[str | None, typer.Option("--lang", help="zh or en; the terminal's own by default.")]
_SEEN = {
    "seen": Bilingual("可见", "seen"),
    "not_seen": Bilingual("未见", "not seen"),
    "ambiguous": Bilingual("多处", "twice"),
    "words": Bilingual("文字不符", "other words"),
}


@app.command()
def check(
    file: File, to: To, screen: Screen = "", password_file: Password = None, values: Set = None,
    case: Case = "", config: Config = None, lang: Lang = None,
) -> None:  # fmt: skip
    """Dry run: say of each step whether it is seen now; nothing is moved or pressed. Exit 1: the first is not."""
    settings, tongue = load_settings(config), lang or language()
    sequence, given = _sequence(file), _values(settings, values, case, tongue)
    with _far(settings, to, screen, password_file) as (eyes, hand):
        looks = Runner(eyes, hand, reader()).check(sequence, given)
    for look in looks:
        typer.echo(f"{_named(look.number, look.step)}  {_SEEN[look.seen].get(tongue)}")
    raise typer.Exit(0 if looks[0].seen == "seen" else 1)


@app.command()
def run(
    file: File, to: To, screen: Screen = "", password_file: Password = None, values: Set = None,
    case: Case = "", config: Config = None, lang: Lang = None,
    confirm: Annotated[bool, typer.Option("--confirm", help="Ask before every step that acts.")] = False,
) -> None:  # fmt: skip
    """Run it. The first step that does not fit ends it; pictures and reasons are in the journal's folder."""
    settings, tongue = load_settings(config), lang or language()
    sequence, given = _sequence(file), _values(settings, values, case, tongue)
    folder = settings.hands_path
    sweep(folder, settings.retention.days)
    journal = Journal(folder, sequence.id)
    typer.echo(str(journal.folder))
    log.configure("hands")

    def ask(number: int, step: Step) -> bool:
        return not confirm or typer.confirm(_named(number, step))

    with _far(settings, to, screen, password_file) as (eyes, hand):
        Runner(eyes, hand, reader(), ask).run(sequence, given, journal)
    typer.echo(Bilingual("已完成", "done").get(tongue))


@app.command()
def record(
    file: File, to: To, screen: Screen = "", password_file: Password = None, config: Config = None,
    title: Annotated[str, typer.Option(help="What it is for.")] = "Sequence",
    roam: Annotated[int, typer.Option(min=0, help="Pixels by which a window may stand elsewhere.")] = 4000,
    seconds: Annotated[float, typer.Option(min=0.5, max=120, help="How long a step may wait.")] = 10,
    lang: Lang = None,
) -> None:  # fmt: skip
    """Teach it: lines from the terminal, each done at once. The screen is kept beside SEQUENCE as a picture."""
    settings, tongue = load_settings(config), lang or language()
    with _far(settings, to, screen, password_file) as (eyes, hand):
        recorder = Recorder(eyes, hand, roam, seconds)
        _keep(file, recorder.screen)
        for line in filter(None, map(str.strip, sys.stdin)):
            if line == "done":
                break
            try:
                recorder.line(line)
            except Misuse as error:
                typer.echo(f"{error.code}: {error.say(tongue)}", err=True)
                if not sys.stdin.isatty():
                    raise
            _keep(file, eyes.look())
    sequence = recorder.sequence(file.stem, title)
    file.write_bytes(sequence.dump())
    typer.echo(f"{file}: {len(sequence.steps)}")


@app.command()
def gadget(
    root: Annotated[Path, typer.Option(help="Where the kernel's gadgets are.")] = usb.ROOT,
    remove: Annotated[bool, typer.Option("--remove", help="Take it away again.")] = False,
) -> None:
    """Make the box a USB keyboard and pointer for the console (root; a box with a USB device port)."""
    if remove:
        usb.remove(root)
    else:
        usb.create(root)


def _keep(file: Path, bgr: Bgr) -> None:
    cv2.imwrite(str(file.with_suffix(".png")), bgr)


def _named(number: int, step: Step) -> str:
    return f"{number:3}  {step.do:6} {step.title}".rstrip()


def _sequence(file: Path) -> Sequence:
    try:
        return load(file.read_bytes())
    except OSError:
        raise _unreadable() from None


def _values(settings: Settings, given: list[str] | None, case: str, tongue: str) -> Mapping[str, str]:
    values: dict[str, str] = {}
    if case:
        values |= values_of(_card(settings, case), tongue)
    for pair in given or ():
        name, _, value = pair.partition("=")
        values[name] = value
    return values


@contextmanager
def _far(settings: Settings, to: str, screen: str, password_file: Path | None) -> Iterator[tuple[Eyes, Hand]]:
    try:
        password = password_file.read_text("latin-1").rstrip("\n") if password_file else None
    except OSError:
        raise _unreadable() from None
    watched = settings.data_dir / "screens" / "live" / screen if screen else None
    with far_end(to, password, watched) as both:
        yield both


def _card(settings: Settings, case: str) -> Card:
    """Beside a running agent."""
    if settings.database_path.exists():
        opened = engine(settings.database_path, read_only=True)
        try:
            with opened.begin() as connection:
                if card := cards.one(connection, case, identity=True):
                    return card
        finally:
            opened.dispose()
    raise Misuse(
        "hands.no_case",
        Bilingual("没有这个病例", "There is no such case"),
        Bilingual(
            "病例编号见其网页地址；用 --config 指明配置", "Its page's address has its id; name the --config"
        ),
    )


def _unreadable() -> Misuse:
    return Misuse(
        "hands.unreadable",
        Bilingual("文件无法读取", "The file cannot be read"),
        Bilingual("检查路径和权限", "Look at its path and rights"),
    )
