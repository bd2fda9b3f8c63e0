"""What the tests of the page share: the page of a run, and what it is asked in the browser."""

import base64

import numpy as np
from selenium.webdriver.common.by import By

# Functions of a test, given to the page: what it would save is caught, and promises are waited for.
CAUGHT = "window.saved = {}; window.save = (name, content) => (saved[name] = content)"
AS_TEXT = """
let text = "";
for (const byte of saved[arguments[0]] ?? []) text += String.fromCharCode(byte);
return btoa(text);
"""


def opened(browser, address, width=1280):
    """The page at `address`, once it is ready to play."""
    browser.look(prefers_color_scheme="light")
    browser.width(width)
    browser.get("about:blank")  # so that another hash is another page
    browser.get_log("browser")
    browser.get(address)
    browser.wait(lambda: browser.execute_script("return document.documentElement.dataset.ready"), "the page is ready")
    browser.execute_script(CAUGHT)
    return browser


def said(browser):
    return browser.execute_script("return document.getElementById('status').textContent")


def sounds(browser):
    """The audio of the eight voices."""
    return np.array(browser.execute_script("return audios.map((audio) => Array.from(audio))"), "float32")


def saved(browser, name):
    """The bytes of a file that the page saved; empty before."""
    return base64.b64decode(browser.execute_script(AS_TEXT, name))


def click(page, identity):
    page.find_element(By.ID, identity).click()


def steps(page, voice):
    return page.all(f"#voices .voice:nth-child({voice + 1}) .step")


def down(elements):
    return [place for place, one in enumerate(elements) if one.get_attribute("aria-pressed") == "true"]


def made(page):
    """Waits until all that was asked of the generator is there."""
    page.wait(lambda: page.execute_script("return generator.waiting.size === 0"), "the sounds are made")
