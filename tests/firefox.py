"""Firefox, without a window, for the tests that open pages there: it is spoken to directly, in WebDriver BiDi
(https://w3c.github.io/webdriver-bidi/), because Debian has no geckodriver."""

import json
import os
import re
import shutil
import subprocess
import time

import pytest
import websocket

PATIENCE_S = 60
LISTENS = re.compile(r"WebDriver BiDi listening on (ws://\S+)")


class Firefox:
    """One tab, and the complaints of its page."""

    def __init__(self, address):
        self.socket = websocket.create_connection(f"{address}/session", timeout=PATIENCE_S, suppress_origin=True)
        self.asked, self.complaints = 0, []
        self.ask("session.new", capabilities={})
        self.ask("session.subscribe", events=["log.entryAdded"])
        self.tab = self.ask("browsingContext.getTree")["contexts"][0]["context"]

    def ask(self, method, **parameters):
        """What the browser answers; complaints that arrive before are kept."""
        self.asked += 1
        self.socket.send(json.dumps({"id": self.asked, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message["type"] == "event" and message["params"]["level"] in ("warn", "error"):
                self.complaints.append(message["params"]["text"])
            if message.get("id") == self.asked:
                assert message["type"] == "success", message
                return message["result"]

    def get(self, address):
        self.ask("browsingContext.navigate", context=self.tab, url=address, wait="complete")

    def run(self, expression):
        """The JSON value of an expression in the page, awaited if it is a promise."""
        target = {"context": self.tab}
        asked = f"Promise.resolve({expression}).then((value) => JSON.stringify(value ?? null))"
        found = self.ask("script.evaluate", expression=asked, target=target, awaitPromise=True)
        assert found["type"] == "success", found
        return json.loads(found["result"]["value"])

    def wait(self, expression, what):
        """What the expression gives as soon as that is true."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if found := self.run(expression):
                return found
            time.sleep(0.05)
        raise AssertionError(f"never: {what}")


def started(profile):
    """Yields a `Firefox` with a folder as its profile, and ends it; without one skips, or fails as `chromium` does."""
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        stop = pytest.fail if os.environ.get("WAVEGAN_BROWSER") == "required" else pytest.skip
        stop("no Firefox here: apt-get install firefox-esr")
    command = [program, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port=0"]
    with (profile / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "HOME": str(profile)})
    try:
        end = time.monotonic() + PATIENCE_S
        while not (found := LISTENS.search((profile / "log").read_text(errors="replace"))):
            assert process.poll() is None and time.monotonic() < end, (profile / "log").read_text(errors="replace")
            time.sleep(0.1)
        yield Firefox(found[1])
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
