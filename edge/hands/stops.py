"""Why a run ended before its end. Each says what a person should look at; none quotes what the screen shows."""

from __future__ import annotations

from capture.errors import Misuse, Retry, SetAside
from capture.text import Bilingual

_SCREEN = Bilingual(
    "查看运行记录中的图片，恢复该界面后重新运行；界面已改版则重新录制",
    "Look at the pictures of the run, bring the screen back and run again; if it was redesigned, record it again",
)


def not_seen(number: int, seconds: float) -> SetAside:
    """A patch did not appear in time, or something lies over it."""
    return SetAside(
        "hands.not_seen",
        Bilingual(
            f"第 {number} 步：{seconds:g} 秒内没有看到示教的画面",
            f"Step {number}: what was taught was not seen within {seconds:g} s",
        ),
        _SCREEN,
    )


def ambiguous(number: int) -> SetAside:
    """A patch fits at two places."""
    return SetAside(
        "hands.ambiguous",
        Bilingual(
            f"第 {number} 步：示教的画面出现在多处", f"Step {number}: what was taught is on the screen twice"
        ),
        Bilingual("关闭多余的窗口后重新运行", "Close the window that is too many and run again"),
    )


def other_words(number: int) -> SetAside:
    """A text that must be there is not: another patient, perhaps."""
    return SetAside(
        "hands.words",
        Bilingual(
            f"第 {number} 步：屏幕上的文字与预期不符", f"Step {number}: a text on the screen is another one"
        ),
        Bilingual("确认打开的是同一位患者", "See that the same patient is open"),
    )


def no_focus(number: int) -> SetAside:
    """No caret blinks where text should go. Nothing has been typed."""
    return SetAside(
        "hands.no_focus",
        Bilingual(
            f"第 {number} 步：输入框内没有闪烁的光标，未输入任何字符",
            f"Step {number}: no caret blinks in the field; nothing was typed",
        ),
        _SCREEN,
    )


def no_echo(number: int, typed: int, length: int) -> SetAside:
    """What was typed did not appear."""
    return SetAside(
        "hands.no_echo",
        Bilingual(
            f"第 {number} 步：输入的字符没有出现，已停止（{typed}/{length}）",
            f"Step {number}: what was typed did not appear; stopped after {typed} of {length} characters",
        ),
        Bilingual("检查并清除已输入的字符", "Look for the characters that were typed, and remove them"),
    )


def interrupted(number: int, typed: int, length: int) -> SetAside:
    """The window changed while it was being typed into."""
    return SetAside(
        "hands.interrupted",
        Bilingual(
            f"第 {number} 步：输入过程中画面发生变化，已停止（{typed}/{length}）",
            f"Step {number}: the screen changed during typing; stopped after {typed} of {length} characters",
        ),
        Bilingual("检查并清除已输入的字符", "Look for the characters that were typed, and remove them"),
    )


def read_otherwise(number: int) -> SetAside:
    """What stands in the field is not what was typed."""
    return SetAside(
        "hands.read_back",
        Bilingual(
            f"第 {number} 步：输入框中的文字与输入的不一致",
            f"Step {number}: what stands in the field is not what was typed",
        ),
        Bilingual("核对该字段后再保存", "Look at the field before anything is saved"),
    )


def other_size(seen: tuple[int, int], taught: tuple[int, int]) -> SetAside:
    """The screen has another resolution than taught."""
    return SetAside(
        "hands.resolution",
        Bilingual(
            f"屏幕为 {seen[0]}x{seen[1]}，示教时为 {taught[0]}x{taught[1]}",
            f"The screen is {seen[0]}x{seen[1]}, it was taught at {taught[0]}x{taught[1]}",
        ),
        Bilingual("恢复分辨率，或重新录制", "Set the resolution back, or record again"),
    )


def declined(number: int) -> SetAside:
    """The person who confirms each step said no."""
    return SetAside(
        "hands.declined",
        Bilingual(f"第 {number} 步：未确认", f"Step {number}: not confirmed"),
        Bilingual("需要时重新运行", "Run again when it is wanted"),
    )


def untypable(number: int) -> Misuse:
    """A character that this hand has no key for. Found before the first step."""
    return Misuse(
        "hands.untypable",
        Bilingual(f"第 {number} 步：有无法输入的字符", f"Step {number}: a character cannot be typed this way"),
        Bilingual(
            "USB 键盘只能输入 ASCII 字符；请使用英文文本，或改用 VNC",
            "A USB keyboard types ASCII only: use an English text, or VNC",
        ),
    )


def no_value(name: str) -> Misuse:
    """A name in braces without a value."""
    return Misuse(
        "hands.no_value",
        Bilingual(f"没有给出 {name} 的值", f"There is no value for {name}"),
        Bilingual("用 --set 名称=值 给出，或用 --case", "Give it with --set NAME=VALUE, or --case"),
    )


def lost(where: Bilingual) -> Retry:
    """The way to the far end is gone."""
    return Retry(
        "hands.lost",
        Bilingual(f"与{where.zh}的连接中断", f"The way to {where.en} is gone"),
        Bilingual("检查网线、USB 线和对方设备", "Look at the cable, the USB lead and the far end"),
    )


def blind() -> Retry:
    """No picture of the screen."""
    return Retry(
        "hands.blind",
        Bilingual("看不到屏幕", "The screen cannot be seen"),
        Bilingual("检查采集信号；看不到屏幕时不会操作", "Look at the capture signal; nothing is done unseen"),
    )
