"""Serving the studio: who may reach it, and what it takes at most."""

import logging
import os
import pathlib
import signal
import sys
import tempfile
from typing import Any

from PIL import Image

from cin_style.errors import UserError
from cin_style.images import limits
from cin_style.studio.recipe import StudioRecipe

_LOG = logging.getLogger("cin_style")


def studio(recipe: StudioRecipe) -> None:
    """Serves the studio until it is interrupted.

    Args:
        recipe: what is served, and to whom.

    Raises:
        UserError: Gradio is not installed, the port is taken, `auth` can't be read; see `Stylizer`.
    """
    # So that visitors' files are gone then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory(prefix="cin_style-studio-") as folder:
        page, options = prepare(recipe, folder)
        try:
            page.launch(**options)
        except OSError as error:
            raise UserError(f"`port` {recipe.port} can't be served at: {error}") from error
        finally:
            page.close(verbose=False)


def prepare(recipe: StudioRecipe, folder: str | os.PathLike) -> tuple[Any, dict[str, Any]]:
    """The page of a recipe, and what its `launch` takes.

    Args:
        recipe: see `studio`.
        folder: where visitors' files lie until they are cleared away.

    Raises:
        UserError: see `studio`.
    """
    visitors = _visitors(recipe.auth)
    if not (recipe.is_local or visitors):
        _LOG.warning(
            "anybody who reaches %s can use this computer to paint: `auth` asks for a name and a "
            "password",
            recipe.host,
        )
    # Before Gradio is imported, which reads some of them then.
    os.environ["GRADIO_TEMP_DIR"] = os.path.join(folder, "uploads")
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.setdefault(limits.VARIABLE, str(recipe.megapixels))
    # What Gradio opens itself, such as masks.
    Image.MAX_IMAGE_PIXELS = limits.most_pixels() // 2
    try:
        import gradio  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"the studio needs Gradio ({error}). Install it: pip install cin_style[studio]"
        ) from error
    from cin_style.studio import page
    from cin_style.studio.engine import Engine

    engine = Engine(recipe.model, recipe.runtime)
    engine.warm_up()
    built = page.build(engine, folder)
    built.queue(max_size=recipe.waiting, default_concurrency_limit=1)
    return built, {
        "server_name": recipe.host,
        "server_port": recipe.port,
        "inbrowser": recipe.browser,
        "auth": visitors or None,
        "max_file_size": f"{recipe.megabytes}mb",
        "share": False,
        "footer_links": [],
        "enable_monitoring": False,
        "ssr_mode": False,
        "theme": page.theme(),
        "css": page.style_sheet(),
        "js": page.script(),
        "quiet": False,
    }


def _visitors(auth: str) -> list[tuple[str, str]]:
    """Names and passwords."""
    path = pathlib.Path(auth)
    lines = [auth]
    if auth and path.is_file():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"`auth` can't be read: {error}") from error
    found = [line.partition(":")[::2] for line in lines if line.strip()]
    if not all(name and password for name, password in found):
        raise UserError("`auth` must be NAME:PASSWORD, or a file with one a line.")
    return found
