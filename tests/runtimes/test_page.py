"""The page that paints in the browser, in a real one: `make test-page`."""

import functools
import http.server
import shutil
import subprocess
import threading

import numpy as np
import pytest
from PIL import Image

from cin_style import Stylizer, images
from cin_style.runtimes.recipe import ExportRecipe

pytestmark = pytest.mark.slow

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
SIZE = (160, 128)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The address of a page that was exported, served."""
    pytest.importorskip("playwright", reason="playwright is not installed; make test-page")
    if not (CHROMIUM and shutil.which("npm")):
        pytest.skip("needs chromium and npm")
    from cin_style.runtimes.export import export

    folder = tmp_path_factory.mktemp("export") / "page"
    export(ExportRecipe(format="web", precision="float16"), folder)
    subprocess.run(["npm", "install", "--silent", "--no-fund"], cwd=folder, check=True)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    handler = functools.partial(Handler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/index.html"
    server.shutdown()


def wait_for(tab, word):
    tab.wait_for_function(
        f"document.getElementById('status').textContent.startsWith('{word}')", timeout=120_000
    )


def next_picture(tab):
    tab.wait_for_selector("#canvas[data-painted]", timeout=120_000)
    tab.evaluate("delete document.getElementById('canvas').dataset.painted")
    width, height = SIZE
    values = tab.evaluate(
        "Array.from(document.getElementById('canvas').getContext('2d')"
        f".getImageData(0, 0, {width}, {height}).data)"
    )
    return np.array(values, "uint8").reshape(height, width, 4)[..., :3].astype(int)


def test_it_paints_as_keras_does(page, make_photo, tmp_path):
    from playwright.sync_api import sync_playwright

    path = tmp_path / "photo.png"
    Image.fromarray(make_photo(*SIZE, 3)).save(path)
    stylizer = Stylizer("varied32", grain=0.0, runtime="keras")
    errors = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_page()
        tab.on("pageerror", lambda error: errors.append(str(error)))
        # Its own noise is not NumPy's.
        tab.goto(f"{page}?grain=0")
        wait_for(tab, "Choose a photo")
        assert tab.locator("#first option").count() == len(stylizer.styles)
        tab.set_input_files("#file", str(path))
        painted = {"first": next_picture(tab)}
        tab.evaluate("document.getElementById('blend').value = 0.5")
        tab.dispatch_event("#blend", "change")
        painted["blend"] = next_picture(tab)
        (tmp_path / "text.txt").write_text("no photo")
        tab.set_input_files("#file", str(tmp_path / "text.txt"))
        wait_for(tab, "This file is no photo")
        browser.close()
    assert not errors
    two = dict.fromkeys(stylizer.styles[:2], 0.5)
    for name, style in (("first", 0), ("blend", two)):
        expected = images.to_uint8(stylizer(path, style, stroke_size=0)).astype(int)
        assert np.abs(painted[name] - expected).max() <= 3, name
