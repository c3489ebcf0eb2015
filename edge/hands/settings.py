"""Settings of the hands: consoles that an engineer may try sequences on from the web console."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from capture.screen.settings import Name


class HandSettings(BaseModel):
    """One console. The page reaches no other address than these."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Name = Field(title="Name", description="What the console is called here: a-z, 0-9 and -.")
    address: str = Field(
        min_length=1, title="Address", description="vnc://HOST:PORT, x11::DISPLAY, or usb:/dev/hidg0,/dev/hidg1."
    )
    screen: str = Field("", title="Screen", description="With usb: the screen of [[screens]] that shows it.")
    password: SecretStr | None = Field(None, title="Password", description="Of the VNC server.")
