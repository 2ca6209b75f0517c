"""A real browser: Chromium by way of its driver, which speaks WebDriver (W3C) over HTTP."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import urllib.request
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_LIMIT = 60.0  # seconds for one command
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def missing() -> str:
    """Why there is no browser; it is installed where that can be done."""
    if not (shutil.which("chromium") and shutil.which("chromedriver")) and os.geteuid() == 0:
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(
                ["apt-get", "-q", "-y", "install", "chromium", "chromium-driver", "fonts-dejavu-core"],
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                capture_output=True,
                timeout=600,
                check=False,
            )
    absent = [name for name in ("chromium", "chromedriver") if not shutil.which(name)]
    return f"{' and '.join(absent)} cannot be installed here" if absent else ""


class Browser:
    """One window of so many pixels; `dark` is what the reader prefers."""

    def __init__(self, home: Path, *, width: int = 1280, dark: bool = False, script: bool = True) -> None:
        self._driver = subprocess.Popen(
            ["chromedriver", "--port=0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            # not below `home`, whose path may be too long for the socket that chromium makes there
            env={**os.environ, "HOME": str(home), "TMPDIR": "/tmp"},
        )
        assert self._driver.stdout is not None
        found = next(
            m for line in self._driver.stdout if (m := re.search(r"successfully on port (\d+)", line))
        )
        self._base = f"http://127.0.0.1:{found[1]}/session"
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={home}/profile"]
        options: dict[str, Any] = {
            "binary": shutil.which("chromium"),
            "args": [*arguments, f"--window-size={width},1000", *(["--force-dark-mode"] if dark else [])],
            "prefs": {} if script else {"profile.managed_default_content_settings.javascript": 2},
        }
        asked = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        try:
            made = self._post("", {"capabilities": {"alwaysMatch": asked}})
        except BaseException:
            self._driver.kill()
            self._driver.communicate()
            raise
        self._base += f"/{made['sessionId']}"

    def open(self, page: Path) -> None:
        self._post("/url", {"url": page.as_uri()})

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        return self._post("/execute/sync", {"script": f"return {script}", "args": []})

    def click(self, selector: str) -> None:
        self._post(f"/element/{self._find(selector)}/click", {})

    def enter(self, selector: str, text: str) -> None:
        self._post(f"/element/{self._find(selector)}/value", {"text": text})

    def picture(self) -> bytes:
        """A PNG of the window."""
        with _OPENER.open(f"{self._base}/screenshot", timeout=_LIMIT) as answer:
            return base64.b64decode(str(json.load(answer)["value"]))

    def complaints(self) -> list[str]:
        """What the page wrote into the console: errors, and what its own policy forbade."""
        return [entry["message"] for entry in self._post("/se/log", {"type": "browser"})]

    def _find(self, selector: str) -> str:
        found = self._post("/element", {"using": "css selector", "value": selector})
        return str(next(iter(found.values())))

    def _post(self, path: str, data: dict[str, Any]) -> Any:
        request = urllib.request.Request(
            self._base + path, json.dumps(data).encode(), {"Content-Type": "application/json"}
        )
        with _OPENER.open(request, timeout=_LIMIT) as answer:
            return json.load(answer)["value"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            request = urllib.request.Request(self._base, method="DELETE")
            _OPENER.open(request, timeout=_LIMIT).close()
        self._driver.terminate()
        self._driver.wait(timeout=_LIMIT)
        assert self._driver.stdout is not None
        self._driver.stdout.close()
