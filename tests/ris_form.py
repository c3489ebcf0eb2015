"""A desktop form of a foreign system, as a process of its own: python -m tests.ris_form FILE [options].

Tk, drawn by nobody of ours: patient's number, an entry for the remark, a button that writes FILE. It can be slow,
stand elsewhere, and put a dialog of its own over itself.
"""

from __future__ import annotations

import argparse
import tkinter as tk
from pathlib import Path

TITLE = (125, 82, 39)
"""Blue, green and red of the heading."""


def main() -> None:
    """Show the form until the X server goes or the process is ended."""
    asked = _arguments()
    root = tk.Tk()
    root.title("RIS")
    root.geometry(f"560x260+{asked.x}+{asked.y}")
    root.configure(background="#e8eef4")
    large = ("Noto Sans", 16)
    tk.Label(
        root,
        text="RIS 5.2  Quality remark",
        font=("Noto Sans", 18, "bold"),
        bg="#{2:02x}{1:02x}{0:02x}".format(*TITLE),
        fg="white",
    ).place(x=0, y=0, width=560, height=40)
    tk.Label(root, text="Patient ID:", font=large, bg="#e8eef4").place(x=20, y=60, width=120, height=30)
    tk.Label(root, text=asked.patient, font=large, bg="white").place(x=150, y=60, width=200, height=30)
    tk.Label(root, text="Remark:", font=large, bg="#e8eef4").place(x=20, y=110, width=120, height=34)
    remark = tk.Entry(root, font=large, bg="white")
    saved = tk.Label(root, text="", font=large, bg="#e8eef4", fg="#147a2e")
    saved.place(x=180, y=190, width=200, height=40)

    def save() -> None:
        saved.configure(text="Saved")
        root.update()
        Path(asked.file).write_text(remark.get(), encoding="utf-8")

    button = tk.Button(root, text="Save", font=large, command=lambda: root.after(asked.slow_ms, save))

    def ready() -> None:
        remark.place(x=150, y=110, width=380, height=34)
        button.place(x=20, y=190, width=120, height=40)

    root.after(asked.slow_ms, ready)
    if asked.dialog_ms >= 0:
        root.after(asked.dialog_ms, lambda: _dialog(root))
    root.mainloop()


def _dialog(root: tk.Tk) -> None:
    """A modal question that takes the keyboard, as foreign systems do."""
    top = tk.Toplevel(root)
    top.title("Warning")
    top.geometry(f"300x120+{root.winfo_x() + 200}+{root.winfo_y() + 90}")
    tk.Label(top, text="Session expires soon", font=("Noto Sans", 14)).pack(pady=30)
    top.attributes("-topmost", True)
    top.grab_set()
    top.focus_force()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--patient", default="P0012345")
    parser.add_argument("--x", type=int, default=100)
    parser.add_argument("--y", type=int, default=80)
    parser.add_argument("--slow-ms", type=int, default=0, help="until the entry is there, and until it has saved")
    parser.add_argument("--dialog-ms", type=int, default=-1, help="a dialog comes after so long")
    return parser.parse_args()


if __name__ == "__main__":
    main()
