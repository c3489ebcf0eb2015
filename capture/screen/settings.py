"""What a site decides about one screen that it watches."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")]
Kind = Literal["v4l2", "files", "stream", "x11", "camera"]


class ScreenSettings(BaseModel):
    """One screen. A process of its own watches it: ``qcbox screen NAME``, unit ``qcbox-screen@NAME``."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Name = Field(title="Name", description="What the screen is called here: a-z, 0-9 and -.")
    kind: Kind = Field(
        title="Kind",
        description="v4l2: capture card or HDMI dongle; files: folder of pictures or a film; stream: RTSP, TCP or "
        "HTTP; x11: an X11 screen; camera: a camera that looks at the screen (device or stream).",
    )
    address: str = Field(
        min_length=1,
        title="Address",
        description="Device (/dev/v4l/by-id/...), folder or file, URL without a password, or X11 display (:0).",
    )
    user: str = Field("", title="User", description="Of a stream that asks for one.")
    password: SecretStr | None = Field(None, title="Password", description="Of a stream that asks for one.")
    fps: float = Field(
        10, ge=1, le=60, title="Pictures a second", description="How many are looked at; the others are dropped."
    )
    edid: bool = Field(
        True,
        title="Own EDID",
        description="Tell the console 1920 x 1080 at 60 Hz as the only mode, where the card lets us (v4l2).",
    )

    @model_validator(mode="after")
    def _no_password_in_the_address(self) -> Self:
        if "://" in self.address and "@" in self.address.partition("://")[2].partition("/")[0]:
            raise ValueError("put user and password into their own keys: the address is shown")
        return self
