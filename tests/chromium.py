"""Debian's Chromium, without a window, for the tests that open pages. Pictures it took are kept in `.screenshots/`."""

import os
import shutil
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

SCREENSHOTS = Path(__file__).resolve().parents[1] / ".screenshots"
PATIENCE_S = 60
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,900"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"),
)
# All elements of a kind, those inside the shadow trees of others too.
EVERY = """
const [kind] = arguments, found = [];
function walk(node) {
  if (node.localName === kind) found.push(node);
  if (node.shadowRoot) walk(node.shadowRoot);
  for (const child of node.children) walk(child);
}
walk(document.body);
return found;
"""


class Browser(webdriver.Chrome):
    """Chromium, with what these tests do again and again."""

    def wait(self, condition, what):
        """What `condition()` gives as soon as that is true."""
        return WebDriverWait(self, PATIENCE_S, poll_frequency=0.05).until(lambda _: condition(), f"never: {what}")

    def all(self, selector):
        return self.find_elements(By.CSS_SELECTOR, selector)

    def every(self, kind):
        return self.execute_script(EVERY, kind)

    def get_of(self, element, name):
        """A property of an element, as it is now."""
        return self.execute_script("return arguments[0][arguments[1]]", element, name)

    def complaints(self, *levels):
        """What was written to the console at these levels since the last call."""
        return [entry["message"] for entry in self.get_log("browser") if entry["level"] in levels]

    def keep(self, name):
        """A screenshot into `.screenshots/`."""
        SCREENSHOTS.mkdir(exist_ok=True)
        assert self.save_screenshot(str(SCREENSHOTS / f"{name}.png"))

    def look(self, **features):
        """Set the preferences of a person that the browser reports to the page."""
        features = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def width(self, pixels, height=900):
        size = {"width": pixels, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def started():
    """Yields a `Browser`, and ends it; skips, or fails where WAVEGAN_BROWSER is "required", if there is none."""
    missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    if missing:
        stop = pytest.fail if os.environ.get("WAVEGAN_BROWSER") == "required" else pytest.skip
        stop(f"no {' and no '.join(missing)} here: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = Browser(options=options, service=Service(shutil.which("chromedriver")))
    yield browser
    browser.quit()
