"""Two tries: what costs a worker its life is judged once more without the pixels."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from pebble import ProcessExpired

from capture.errors import QcError, Retry, SetAside
from capture.text import Bilingual
from edge.metrics import Metrics
from edge.pausing import pause
from edge.pipeline.work import Outcome

log = structlog.get_logger()

LOOK = Bilingual(
    "由人查看原图；升级后重新发送即可再判", "Look at the image itself; sent again, it is judged again"
)
_FAREWELL_S = 0.5


class _Lost(Exception):
    """An image was too much for a worker. ``code`` is the reason that its pixels then have (NO_PIXELS)."""

    def __init__(self, code: str, *, died: bool) -> None:
        super().__init__(code)
        self.code = code
        self.died = died


class Attempts:
    """Runs jobs, and counts the workers that they cost."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def twice(
        self, case_id: str, attempt: Callable[[str | None], Awaitable[Outcome]], stop: asyncio.Event
    ) -> Outcome | None:
        """What ``attempt(None)`` gives; where that cost a worker, what ``attempt`` gives without pixels, and why.

        None when everything ends: then the image was not to blame, and is judged after the next start.

        Raises:
            SetAside: the object cannot be read, or even its header stops a worker.
            Retry: the disk does not give the bytes.
        """
        try:
            return await _attempt(attempt(None))
        except _Lost as lost:
            self._note(case_id, lost)
            if lost.died and await pause(stop, _FAREWELL_S):
                return None
            code = lost.code
        try:
            return await _attempt(attempt(code))
        except _Lost as again:
            self._note(case_id, again)
            text = Bilingual("判定进程两次中止", "It ended a worker twice, the second time without pixels")
            raise SetAside("worker.lost", text, LOOK) from again

    def _note(self, case_id: str, lost: _Lost) -> None:
        if lost.died:
            self._metrics.worker_restarts.inc()
            log.warning("worker.restarted", case=case_id, reason=lost.code)
        else:
            log.error("worker.failed", case=case_id, reason=lost.code, exc_info=lost.__cause__)


async def _attempt(running: Awaitable[Outcome]) -> Outcome:
    try:
        return await running
    except TimeoutError as error:
        raise _Lost("too_slow", died=True) from error
    except MemoryError as error:
        raise _Lost("too_large", died=False) from error
    except ProcessExpired as error:
        raise _Lost("decode_failed", died=True) from error
    except FileNotFoundError as error:
        raise SetAside(
            "blob.missing", Bilingual("图像文件已不在盒中", "The image file is no longer here"), LOOK
        ) from error
    except OSError as error:
        raise Retry(
            "blob.unreadable",
            Bilingual("图像文件读取失败", "The image file cannot be read"),
            Bilingual("检查磁盘健康", "Check the disk's health"),
        ) from error
    except QcError:
        raise
    except Exception as error:  # one odd image must not end the agent
        raise _Lost("decode_failed", died=False) from error
