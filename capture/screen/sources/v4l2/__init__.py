"""Video4Linux2: capture cards, HDMI dongles, USB cameras."""

from capture.screen.sources.v4l2.source import V4L2Source

__all__ = ["V4L2Source"]
