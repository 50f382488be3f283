"""The studio in a real browser: `make test-studio`.

Screenshots of the tabs go where the environment variable CIN_STYLE_SCREENSHOTS says.
"""

import contextlib
import os
import pathlib
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest
from PIL import Image

from cin_style.images.samples import sample_photos

pytestmark = pytest.mark.slow

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
SCREENSHOTS = os.environ.get("CIN_STYLE_SCREENSHOTS", "")
PROGRAM = str(pathlib.Path(sys.executable).with_name("cin-style"))
STYLE = 12  # serape


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return tmp_path_factory.mktemp("studio") / "log.txt"


@pytest.fixture(scope="module")
def address(log):
    """Of a studio with the network in the package."""
    pytest.importorskip("gradio", reason="gradio is not installed; make test-studio")
    pytest.importorskip("playwright", reason="playwright is not installed; make test-studio")
    if not CHROMIUM:
        pytest.skip("needs chromium")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [PROGRAM, "studio", "--no-browser", f"--port={port}", "--megapixels=20"]
    begun = time.monotonic()
    with open(log, "w") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, cwd=log.parent)
    url = f"http://127.0.0.1:{port}/"
    while True:
        assert process.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(url).close()
            break
        except OSError:
            time.sleep(0.1)
    print(f"the page is there after {time.monotonic() - begun:.1f} s")
    yield url
    process.terminate()
    process.wait()


@pytest.fixture(scope="module")
def browser(address):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Visitor:
    """Somebody at the page.

    Attributes:
        page: Playwright's.
        elsewhere: addresses on other machines that the page asked for.
    """

    def __init__(self, browser, address, width=1400, height=1000):
        self.elsewhere = []
        self.page = browser.new_page(viewport={"width": width, "height": height})
        self.page.set_default_timeout(180_000)
        self.page.on("request", self._note)
        self.page.goto(address)
        self.page.wait_for_selector("#samples button")
        self.page.wait_for_timeout(500)

    def _note(self, request):
        if not re.match(r"(data:|blob:|http://127\.0\.0\.1[:/])", request.url):
            self.elsewhere.append(request.url)

    def take(self, photo):
        """Drops a photo, and waits until it is there in every style."""
        self.page.set_input_files("#photo input[type=file]", photo)
        self.wait_for_thumbnails()

    def wait_for_thumbnails(self, count=32):
        self.page.wait_for_function(
            f"document.querySelectorAll('#styles button img').length == {count}"
        )
        self.page.wait_for_timeout(500)

    def tab(self, name):
        self.page.get_by_role("tab", name=name).click()
        self.page.wait_for_timeout(500)

    def source(self, selector):
        return self.page.evaluate("s => document.querySelector(s)?.src ?? ''", selector)

    def wait_for_another(self, selector, before):
        self.page.wait_for_function(
            "([s, before]) => { const src = document.querySelector(s)?.src;"
            " return src && src != before }",
            arg=[selector, before],
        )

    def choose(self, number):
        """Chooses a style in the gallery, and waits for the picture."""
        last = "#picture img"
        before = self.page.evaluate(
            "s => [...document.querySelectorAll(s)].map(i => i.src).join()", last
        )
        self.page.click(f"#styles button >> nth={number}")
        self.page.wait_for_function(
            "([s, b]) => { const all = [...document.querySelectorAll(s)];"
            " return all.length > 1 && all.map(i => i.src).join() != b }",
            arg=[last, before],
        )

    def saved(self, button, path):
        """The file that a button gives."""
        self.page.wait_for_function(
            "s => { const b = document.querySelector(s); return b && !b.disabled }", arg=button
        )
        with self.page.expect_download() as found:
            self.page.click(button)
        found.value.save_as(path)
        return path

    def texts(self):
        """The command line and the Python that are shown on the tab."""
        self.page.get_by_role("button", name="Make this picture yourself").locator(
            "visible=true"
        ).click()
        self.page.wait_for_timeout(500)
        shown = self.page.locator(".cm-content").locator("visible=true")
        return [shown.nth(index).inner_text() for index in range(2)]

    def draw(self, canvas, places, button, picture):
        """Draws, and asks for what comes of it, until it comes: editors get ready in their time."""
        for _ in range(4):
            self.drag(canvas, places)
            self.page.wait_for_timeout(1500)
            self.page.click(button)
            with contextlib.suppress(Exception):
                self.page.wait_for_selector(picture, timeout=30_000)
                return
        raise AssertionError(self.page.inner_text("body"))

    def drag(self, selector, places):
        box = self.page.locator(selector).first.bounding_box()
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place)
            self.page.wait_for_timeout(30)
        self.page.mouse.up()

    def shoot(self, name):
        if SCREENSHOTS:
            folder = pathlib.Path(SCREENSHOTS)
            folder.mkdir(parents=True, exist_ok=True)
            self.page.wait_for_timeout(700)
            self.page.screenshot(path=folder / f"{name}.jpg", type="jpeg", quality=80)


@pytest.fixture
def visitor(browser, address):
    visitor = Visitor(browser, address)
    yield visitor
    assert not visitor.elsewhere
    visitor.page.close()


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    """A photo with EXIF data, larger than what is shown."""
    path = tmp_path_factory.mktemp("photo") / "my cat.jpg"
    pixels = (sample_photos()["chelsea"] * 255).round().astype("uint8")
    exif = Image.Exif()
    exif[0x013B] = "A. Photographer"
    Image.fromarray(pixels).resize((900, 600)).save(path, quality=95, exif=exif)
    return path


@pytest.fixture(scope="module")
def painting(tmp_path_factory):
    """A style image: a photo that was made to look like none."""
    pixels = (sample_photos()["rocket"] * 255).round().astype("uint8")
    mixed = np.roll(pixels[..., [2, 0, 1]], 90, axis=1)[::-1] // 2 + pixels // 2
    path = tmp_path_factory.mktemp("painting") / "night sea.png"
    Image.fromarray(mixed).save(path)
    return path


def run_as_shown(text, folder, photo):
    """Runs a command line of the page where the photo lies; gives the picture."""
    shutil.copy(photo, folder / photo.name)
    words = shlex.split(" ".join(text.split()))
    assert words[0] == "cin-style"
    done = subprocess.run([PROGRAM, *words[1:]], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return np.asarray(Image.open(folder / words[words.index("--output") + 1]))


def test_paint(visitor, photo, tmp_path):
    begun = time.monotonic()
    visitor.take(photo)
    print(f"32 thumbnails after {time.monotonic() - begun:.1f} s")
    visitor.choose(STYLE)
    visitor.shoot("paint")
    visitor.page.locator("#format").get_by_text("png", exact=True).click()
    visitor.page.wait_for_timeout(1000)
    visitor.page.click("#whole")
    painted = Image.open(visitor.saved("#download", tmp_path / "painted.png"))
    assert painted.size == (900, 600) and painted.getexif()[0x013B] == "A. Photographer"
    shell, python = visitor.texts()
    assert "cin_style.stylize(recipe" in python
    same = run_as_shown(shell, tmp_path, photo)
    assert np.array_equal(np.asarray(painted), same)


def test_thumbnails_come_on_a_phone(browser, address, photo):
    visitor = Visitor(browser, address, 390, 844)
    visitor.take(photo)
    visitor.choose(3)
    wide = visitor.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 392  # nothing sticks out
    visitor.page.locator("#picture").scroll_into_view_if_needed()
    visitor.shoot("phone")
    visitor.page.close()


def test_blend_follows_the_pointer_and_the_keys(visitor, photo):
    visitor.take(photo)
    visitor.tab("Blend")
    visitor.wait_for_another("#blend img", "")
    box = visitor.page.locator("#pad .pad").bounding_box()
    seconds = []
    visitor.page.mouse.move(box["x"] + 20, box["y"] + 20)
    visitor.page.mouse.down()
    for step in range(12):
        before, begun = visitor.source("#blend img"), time.monotonic()
        visitor.page.mouse.move(box["x"] + 30 + 20 * step, box["y"] + 30 + 10 * step)
        visitor.wait_for_another("#blend img", before)
        seconds.append(time.monotonic() - begun)
    visitor.page.mouse.up()
    print(f"a blend follows the pointer after {sorted(seconds)[6]:.3f} s (median)")
    visitor.page.wait_for_timeout(1500)
    visitor.shoot("blend")
    before = visitor.source("#blend img")
    visitor.page.locator("#pad [role=slider], #pad[role=slider]").first.focus()
    for _ in range(30):
        visitor.page.keyboard.press("ArrowLeft")
        visitor.page.keyboard.press("ArrowUp")
    visitor.wait_for_another("#blend img", before)
    visitor.texts()
    visitor.page.wait_for_function(
        "[...document.querySelectorAll('.cm-content')]"
        ".some(e => e.innerText.includes('starry_night=1,'))"
    )


def test_mask(visitor, photo, tmp_path):
    visitor.take(photo)
    visitor.tab("Mask")
    visitor.page.wait_for_timeout(2000)
    ways = [(0.35 + 0.02 * step, 0.35 + 0.3 * (step % 2)) for step in range(14)]
    visitor.draw("#mask canvas", ways, "#show_mask", "#masked img")
    visitor.shoot("mask")
    visitor.page.get_by_role("button", name="Paint in full size").locator("visible=true").click()
    painted = Image.open(visitor.saved("#download_mask", tmp_path / "painted.png"))
    visitor.saved("#its_mask", tmp_path / "mask.png")
    shell, _ = visitor.texts()
    same = run_as_shown(shell, tmp_path, photo)
    assert np.array_equal(np.asarray(painted), same)


def test_a_style_of_ones_own(visitor, browser, address, photo, painting, tmp_path):
    visitor.take(photo)
    visitor.tab("Your own style")
    visitor.page.set_input_files("#painting input[type=file]", painting)
    visitor.wait_for_another("#own img", "")
    card = visitor.saved("#save_card", tmp_path / "night_sea.style.npz")
    # Learned better, and called off.
    before = visitor.source("#own img")
    visitor.page.locator("#steps").get_by_text("300 steps").click()
    visitor.page.click("#learn")
    visitor.wait_for_another("#own img", before)
    visitor.shoot("own_style")
    visitor.page.click("#cancel")
    visitor.page.wait_for_function("document.body.innerText.match(/night_sea, after \\d+ steps/)")
    # Learned to the end.
    visitor.page.locator("#steps").get_by_text("30 steps", exact=True).click()
    begun = time.monotonic()
    visitor.page.click("#learn")
    visitor.page.wait_for_function("document.body.innerText.includes('night_sea, learned.')")
    print(f"30 steps after {time.monotonic() - begun:.1f} s")
    visitor.tab("Paint")
    visitor.wait_for_thumbnails(33)
    visitor.choose(32)
    visitor.page.locator("#format").get_by_text("png", exact=True).click()
    visitor.page.click("#whole")
    painted = Image.open(visitor.saved("#download", tmp_path / "painted.png"))
    visitor.page.wait_for_timeout(1000)
    shell, _ = visitor.texts()
    assert "night_sea.style.npz" in shell
    visitor.tab("Your own style")
    visitor.saved("#save_card", tmp_path / "night_sea.style.npz")
    same = run_as_shown(shell, tmp_path, photo)
    assert np.array_equal(np.asarray(painted), same)
    # Others don't have it, unless they are given its card.
    other = Visitor(browser, address)
    other.take(photo)
    other.tab("Your own style")
    other.page.set_input_files("#load_card input[type=file], input[accept*=npz]", card)
    other.wait_for_another("#own img", "")
    other.tab("Paint")
    other.wait_for_thumbnails(33)
    other.page.close()


def test_light_of_another_photo(visitor, photo, tmp_path):
    other = tmp_path / "coffee.png"
    Image.fromarray((sample_photos()["coffee"] * 255).astype("uint8")).save(other)
    visitor.take(photo)
    visitor.tab("Photographs")
    visitor.page.set_input_files("#light input[type=file]", other)
    visitor.page.wait_for_timeout(1500)
    visitor.page.click("#give")
    visitor.wait_for_another("#relit img", "")
    visitor.shoot("photographs")
    relit = Image.open(visitor.saved("#download_light", tmp_path / "relit.jpg"))
    same = run_as_shown(visitor.texts()[0], tmp_path, photo)
    assert np.abs(np.asarray(relit) - same.astype(int)).mean() < 0.1
    assert np.abs(np.asarray(relit) - np.asarray(Image.open(photo)).astype(int)).mean() > 5


def test_an_object_set_in(visitor, photo, tmp_path):
    other = tmp_path / "coffee.png"
    Image.fromarray((sample_photos()["coffee"] * 255).astype("uint8")).save(other)
    visitor.take(photo)
    visitor.tab("Composites")
    visitor.page.set_input_files("#object input[type=file]", other)
    visitor.page.wait_for_timeout(3000)
    ways = [(0.4 + 0.015 * step, 0.2 + 0.55 * (step % 2)) for step in range(16)]
    visitor.draw("#cutout canvas", ways, "#put", "#composite img")
    visitor.shoot("composites")
    made = Image.open(visitor.saved("#download_object", tmp_path / "made.jpg"))
    visitor.saved("#mask_object", tmp_path / "mask.png")
    same = run_as_shown(visitor.texts()[0], tmp_path, photo)
    assert np.abs(np.asarray(made) - same.astype(int)).mean() < 0.1
    changed = np.abs(np.asarray(made) - np.asarray(Image.open(photo)).astype(int)).max(axis=-1) > 20
    assert 0.005 < changed.mean() < 0.5


def test_two_visitors_at_once(browser, address, photo, painting):
    one, two = (Visitor(browser, address) for _ in range(2))
    one.page.set_input_files("#photo input[type=file]", photo)
    two.page.set_input_files("#photo input[type=file]", painting)
    one.wait_for_thumbnails()
    two.wait_for_thumbnails()
    assert one.source("#styles img") != two.source("#styles img")
    for visitor in (one, two):
        visitor.choose(5)
    for visitor in (one, two):
        visitor.page.close()


def test_keys_and_words_for_all(visitor, photo):
    visitor.take(photo)
    # A style chosen without a pointer.
    visitor.page.locator("#styles button").nth(4).focus()
    visitor.page.keyboard.press("Enter")
    visitor.wait_for_another("#picture img", "")
    nameless = visitor.page.evaluate(
        "[...document.querySelectorAll('button, input:not([type=file])')]"
        ".filter(e => e.offsetParent && !e.innerText && !e.ariaLabel && !e.title"
        " && !e.labels?.length && !e.closest('label')).map(e => e.outerHTML.slice(0, 200))"
    )
    assert nameless == []
    blind = visitor.page.evaluate(
        "[...document.querySelectorAll('img')].filter(e => e.offsetParent && !e.alt"
        " && e.getAttribute('role') != 'presentation').map(e => e.outerHTML.slice(0, 200))"
    )
    assert blind == []


def hostile(folder, count):
    """Files of all kinds that are no good photos, or barely."""
    rng = np.random.default_rng(0)
    picture = folder / "good.png"
    Image.fromarray(rng.integers(0, 255, (60, 80, 3), "uint8")).save(picture)
    good = picture.read_bytes()
    made = [
        ("empty.png", b""),
        ("text.jpg", b"<script>alert(1)</script>" * 50),
        ("page.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("short.png", good[:40]),
        ("<b>name.png", good),
        ("a" * 180 + ".png", good),
    ]
    for path, image in (
        ("narrow.png", Image.new("RGB", (900, 3))),
        ("large.png", Image.new("L", (9_000, 9_000))),
        ("bomb.gif", Image.new("P", (14_000, 14_000))),
    ):
        image.save(folder / path)
        made.append((path, (folder / path).read_bytes()))
    for number in range(count - len(made)):
        data = bytearray(good)
        for place in rng.integers(0, len(data), rng.integers(1, 30)):
            data[place] = rng.integers(0, 256)
        made.append((f"changed{number}.png", bytes(data[: rng.integers(20, len(data))])))
    return made


def test_hostile_uploads(visitor, photo, tmp_path, log):
    for name, data in hostile(tmp_path, 200):
        visitor.page.set_input_files(
            "#photo input[type=file]", {"name": name, "mimeType": "image/png", "buffer": data}
        )
        visitor.page.wait_for_timeout(60)
        clear = visitor.page.locator("#photo button[aria-label='Clear'], #photo [title='Clear']")
        if clear.count():
            clear.first.click()
        visitor.page.wait_for_selector("#photo input[type=file]", state="attached")
    said = visitor.page.inner_text("body")
    assert "Traceback" not in said and 'File "' not in said
    # The page and the server are as good as before.
    visitor.page.reload()
    visitor.page.wait_for_selector("#samples button")
    visitor.page.wait_for_timeout(500)
    visitor.take(photo)
    visitor.choose(2)
    assert "Traceback" not in log.read_text()
