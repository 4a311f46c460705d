"""A headless Chromium, over its DevTools protocol: what a browser makes of a page.

https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import websocket

from tests.waiting import await_true

# As Debian, Ubuntu and Google name it; scripts/setup.sh installs the first.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SECONDS = 30


def program() -> str:
    """Return the path of the browser."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    assert found, f"none of {', '.join(NAMES)} is installed: run scripts/setup.sh tests"
    return found


class Page:
    """A tab; `messages` are what the browser wrote to its console."""

    def __init__(self, address: str) -> None:
        self._socket = websocket.create_connection(address, timeout=SECONDS, suppress_origin=True)
        self._number = 0
        self.messages: list[str] = []
        self.requests: list[str] = []
        self._loaded = False
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> Any:
        """Call a method; return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self._note(answer)

    def open(self, file: Path, width: int, height: int = 900, *, dark: bool = False) -> None:
        """Show a file in a window of this size."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media="", features=[scheme])
        self._loaded = False
        self.call("Page.navigate", url=file.resolve().as_uri())
        while not self._loaded:
            self._note(json.loads(self._socket.recv()))

    def run(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript, awaited."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def key(self, name: str) -> None:
        """Press a key."""
        code = {"Tab": 9, "Enter": 13}[name]
        text = {"Enter": "\r"}.get(name, "")
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=name,
                code=name,
                windowsVirtualKeyCode=code,
                text=text if kind == "keyDown" else "",
            )

    def picture(self, *, whole: bool = True) -> bytes:
        """Return a PNG of the page, or of the window."""
        answer = self.call(
            "Page.captureScreenshot",
            format="png",
            captureBeyondViewport=whole,
            **({"clip": self._clip()} if whole else {}),
        )
        return base64.b64decode(answer["data"])

    def printed(self) -> bytes:
        """Return a PDF, of the size that the page asks for."""
        answer = self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        return base64.b64decode(answer["data"])

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _clip(self) -> dict[str, float]:
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}

    def _note(self, event: Any) -> None:
        method, parameters = event.get("method"), event.get("params", {})
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Log.entryAdded":
            self.messages.append(parameters["entry"]["text"])
        elif method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
            self.messages.append(json.dumps(parameters))
        elif method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])


@contextmanager
def browser() -> Iterator[Page]:
    """Run a browser without a window; yield its page."""
    profile = Path(tempfile.mkdtemp(prefix="kubeadm-fleet-browser-"))
    port_file = profile / "DevToolsActivePort"
    options = ["--headless=new", "--remote-debugging-port=0", f"--user-data-dir={profile}"]
    options += ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"]
    options += [
        "--disable-background-networking",
        "--disable-component-update",
        "--hide-scrollbars",
    ]
    process = subprocess.Popen(
        [program(), *options, "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        await_true(
            lambda: port_file.is_file() and "\n" in port_file.read_text(), "a browser", SECONDS
        )
        port, path = port_file.read_text().split()
        page = Page(_tab(port, path))
        try:
            yield page
        finally:
            page.close()
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(profile, ignore_errors=True)


def _tab(port: str, path: str) -> str:
    """Return the address of the browser's first tab."""
    socket = websocket.create_connection(
        f"ws://127.0.0.1:{port}{path}", timeout=SECONDS, suppress_origin=True
    )
    socket.send(json.dumps({"id": 1, "method": "Target.getTargets"}))
    targets = json.loads(socket.recv())["result"]["targetInfos"]
    socket.close()
    tab = next(each["targetId"] for each in targets if each["type"] == "page")
    return f"ws://127.0.0.1:{port}/devtools/page/{tab}"
