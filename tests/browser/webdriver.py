"""A browser without a window, driven over the WebDriver protocol (W3C), with the standard library only."""

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

START_SECONDS = 60
CALL_SECONDS = 60


class Browser:
    """One session; use it in a `with` statement, which ends driver and browser."""

    def __enter__(self):
        self.home = tempfile.mkdtemp(prefix="flexmig-browser-")
        self.log = open(os.path.join(self.home, "driver.log"), "w+", encoding="utf-8")
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=self.log, stderr=self.log,
                                       env={**os.environ, "HOME": self.home}, start_new_session=True)
        self.session = None
        try:
            self.base = f"http://127.0.0.1:{self._port()}"
            # Containers and root have no user namespaces for the sandbox; the page is our own.
            arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                         "--hide-scrollbars", f"--user-data-dir={self.home}/profile"]
            answer = self._call("POST", "/session", {"capabilities": {"alwaysMatch": {
                "browserName": "chrome", "goog:loggingPrefs": {"browser": "ALL"},
                "goog:chromeOptions": {"args": arguments}}}})
            self.session = answer["sessionId"]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            if self.session:
                self._call("DELETE", f"/session/{self.session}")
        except OSError:
            pass
        # The driver's own group only: it and the browser that it started.
        try:
            os.killpg(self.driver.pid, 15)
            self.driver.wait(timeout=10)
        except ProcessLookupError:
            self.driver.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(self.driver.pid, 9)
            self.driver.wait(timeout=10)
        self.log.close()
        shutil.rmtree(self.home, ignore_errors=True)

    def _port(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with open(self.log.name, encoding="utf-8") as log:
                found = re.search(r"started successfully on port (\d+)", log.read())
            if found:
                return int(found.group(1))
            if self.driver.poll() is not None:
                raise RuntimeError(f"chromedriver ended with {self.driver.returncode}")
            time.sleep(0.05)
        raise RuntimeError(f"chromedriver did not start within {START_SECONDS} s")

    def _call(self, method, path, data=None):
        request = urllib.request.Request(self.base + path, method=method,
                                         data=None if data is None else json.dumps(data).encode(),
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=CALL_SECONDS) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from None

    def _in_session(self, path, data):
        return self._call("POST", f"/session/{self.session}{path}", data)

    def devtools(self, command, **parameters):
        return self._in_session("/goog/cdp/execute", {"cmd": command, "params": parameters})

    def resize(self, width, height):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                      mobile=width < 500)

    def prefer(self, scheme):
        self.devtools("Emulation.setEmulatedMedia",
                      features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, path):
        self._in_session("/url", {"url": "file://" + os.path.abspath(path)})

    def run(self, script, *arguments):
        """What the JavaScript function body returns."""
        return self._in_session("/execute/sync", {"script": script, "args": list(arguments)})

    def wait_until(self, script, seconds=20):
        deadline = time.monotonic() + seconds
        while not self.run(script):
            if time.monotonic() > deadline:
                raise RuntimeError(f"not within {seconds} s: {script}")
            time.sleep(0.05)

    def keys(self, selector, text):
        """Focuses the element and types; special keys are those of the WebDriver standard."""
        self.run("document.querySelector(arguments[0]).focus()", selector)
        actions = []
        for key in text:
            actions += [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self._in_session("/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def console(self):
        """What the page and the browser have complained of since the last call."""
        return [entry["message"] for entry in self._in_session("/se/log", {"type": "browser"})
                if entry["level"] in ("SEVERE", "WARNING")]

    def screenshot(self, path, width):
        height = self.devtools("Page.getLayoutMetrics")["cssContentSize"]["height"]
        shot = self.devtools("Page.captureScreenshot", captureBeyondViewport=True,
                             clip={"x": 0, "y": 0, "width": width, "height": height, "scale": 1})
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))

    def pdf(self):
        return base64.b64decode(self._in_session("/print", {}))
