"""Pages as a browser shows them: headless Chromium, asked by its DevTools protocol over pipes.

A page fails here if it writes an error to the console, or asks for anything outside its folder.
Where there is no Chromium, the test is skipped and says so.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe"),
    # WebGL without a graphics card.
    *("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
    "--host-resolver-rules=MAP * ~NOTFOUND",  # nothing outside is reached, even if it is asked for
)
_TIMEOUT_S = 60.0
_SETTLED_S = 0.3  # after which a loaded page has asked for what it is going to ask for
_INSIDE = ("data:", "blob:", "about:")


@dataclass(frozen=True)
class Shown:
    """A page that was opened without errors.

    Attributes:
        text: What a reader reads.
        too_wide_px: How far it reaches beyond the window's right edge; 0 if it fits.
        picture: The whole page, PNG.
        answer: What the script gave.
    """

    text: str
    too_wide_px: int
    picture: bytes
    answer: Any = None


class Browser:
    """A running Chromium."""

    def __init__(self, send: int, receive: int) -> None:
        self._send, self._receive = send, receive
        self._rest = b""
        self._num_calls = 0
        self._events: list[dict[str, Any]] = []

    def open(
        self,
        path: Path,
        *,
        width_px: int = 1200,
        is_dark: bool = False,
        script: str = "",
        is_drawn: Callable[[bytes], bool] = lambda picture: True,
    ) -> Shown:
        """Open a page from its file.

        Args:
            path: The page.
            width_px: Of the window.
            is_dark: Whether the reader prefers dark pages.
            script: What is done on the page then: an expression, whose promise is waited for.
            is_drawn: Asked of pictures of the page until it says yes, for what no script can
                wait for; the last picture is given in any case.

        Raises:
            AssertionError: It writes an error to the console, or asks for something outside.
        """
        self._events = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        try:
            return self._show(session, path.resolve(), width_px, is_dark, script, is_drawn)
        finally:
            self._call("Target.closeTarget", targetId=target)

    def open_everywhere(self, path: Path) -> Shown:
        """Open a page on a desk by day and on a phone by night; it must fit into both windows."""
        for width_px, is_dark in ((390, True), (1200, False)):
            shown = self.open(path, width_px=width_px, is_dark=is_dark)
            assert not shown.too_wide_px, f"{path.name}: {shown.too_wide_px} px beyond {width_px}"
        return shown

    def _show(
        self,
        session: str,
        path: Path,
        width_px: int,
        is_dark: bool,
        script: str,
        is_drawn: Callable[[bytes], bool],
    ) -> Shown:
        def call(method: str, **values: Any) -> dict[str, Any]:
            return self._call(method, session, **values)

        def value_of(script: str) -> Any:
            found = call(
                "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
            )
            assert "exceptionDetails" not in found, found["exceptionDetails"]
            return found["result"].get("value")

        for domain in ("Runtime", "Log", "Network", "Page"):
            call(f"{domain}.enable")
        window = {"width": width_px, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        call("Emulation.setDeviceMetricsOverride", **window)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        call("Emulation.setEmulatedMedia", features=[scheme])
        call("Page.navigate", url=path.as_uri())
        self._wait(lambda: any(e["method"] == "Page.loadEventFired" for e in self._events))
        self._listen(_SETTLED_S)
        answer = value_of(script) if script else None
        self._listen(_SETTLED_S if script else 0)
        picture = self._picture(session, is_drawn)
        problems = [*_errors(self._events), *_outside(self._events, path.parent.as_uri())]
        assert not problems, f"{path.name}: " + "; ".join(problems)

        too_wide_px = value_of("document.documentElement.scrollWidth - innerWidth")
        text = value_of("document.body.innerText")
        return Shown(text, too_wide_px, picture, answer)

    def _picture(self, session: str, is_drawn: Callable[[bytes], bool]) -> bytes:
        end_s = time.monotonic() + _TIMEOUT_S
        while True:
            found = self._call("Page.captureScreenshot", session, captureBeyondViewport=True)
            picture = base64.b64decode(found["data"])
            if is_drawn(picture) or time.monotonic() > end_s:
                return picture
            self._listen(_SETTLED_S)

    def _call(self, method: str, session: str = "", **values: Any) -> dict[str, Any]:
        self._num_calls += 1
        message: dict[str, Any] = {"id": self._num_calls, "method": method, "params": values}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._send, data) :]
        answers: list[dict[str, Any]] = []
        self._wait(lambda: bool(answers), answers, self._num_calls)
        assert "error" not in answers[0], f"{method}: {answers[0]}"
        found: dict[str, Any] = answers[0]["result"]
        return found

    def _wait(
        self,
        is_there: Callable[[], bool],
        answers: list[dict[str, Any]] | None = None,
        wanted: int = 0,
    ) -> None:
        end_s = time.monotonic() + _TIMEOUT_S
        while not is_there():
            left_s = end_s - time.monotonic()
            assert left_s > 0, f"the browser gave no answer within {_TIMEOUT_S:g} s"
            for message in self._read(left_s):
                if "id" not in message:
                    self._events.append(message)
                elif message["id"] == wanted and answers is not None:
                    answers.append(message)

    def _listen(self, seconds: float) -> None:
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0:
            self._events += [message for message in self._read(left_s) if "id" not in message]

    def _read(self, timeout_s: float) -> list[dict[str, Any]]:
        if not select.select([self._receive], [], [], timeout_s)[0]:
            return []
        data = os.read(self._receive, 1 << 20)
        assert data, "the browser ended"
        *whole, self._rest = (self._rest + data).split(b"\0")
        return [json.loads(message) for message in whole]


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """Start Chromium with a new profile in a folder; skips the test where there is none."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip(f"needs Chromium: none of {', '.join(_NAMES)} is installed")
    (commands_in, commands_out), (answers_in, answers_out) = os.pipe(), os.pipe()
    # The protocol is spoken on descriptors 3 and 4.
    redirect = f'exec "$@" 3<&{commands_in} 4>&{answers_out}'
    command = ["bash", "-c", redirect, "bash", program, *_FLAGS, f"--user-data-dir={folder}"]
    with subprocess.Popen(
        [*command, "about:blank"],
        pass_fds=(commands_in, answers_out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(commands_in)
        os.close(answers_out)
        try:
            yield Browser(commands_out, answers_in)
        finally:
            process.terminate()
            os.close(commands_out)
            os.close(answers_in)


def _errors(events: list[dict[str, Any]]) -> Iterator[str]:
    """What was written to the console as an error."""
    for event in events:
        given = event["params"]
        if event["method"] == "Runtime.exceptionThrown":
            details = given["exceptionDetails"]
            thrown = details.get("exception", {}).get("description", details["text"])
            yield f"uncaught {thrown}"
        elif event["method"] == "Runtime.consoleAPICalled" and given["type"] in ("error", "assert"):
            yield " ".join(str(each.get("value", each)) for each in given["args"])
        elif event["method"] == "Log.entryAdded" and given["entry"]["level"] == "error":
            yield f"{given['entry']['text']} {given['entry'].get('url', '')}"


def _outside(events: list[dict[str, Any]], folder: str) -> Iterator[str]:
    """What was asked for outside of the page's folder."""
    for event in events:
        if event["method"] == "Network.requestWillBeSent":
            url = event["params"]["request"]["url"]
        elif event["method"] == "Network.webSocketCreated":
            url = event["params"]["url"]
        else:
            continue
        if not url.startswith((*_INSIDE, f"{folder}/")):
            yield f"asks for {url}"
