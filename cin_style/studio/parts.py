"""What several tabs of the studio share: the photo, a visitor's styles, how errors are told."""

import contextlib
import dataclasses
import functools
import inspect
import logging
import pathlib
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

import gradio as gr

from cin_style.errors import UserError
from cin_style.files import printable
from cin_style.studio.engine import Engine

# How long visitors' files are kept, in seconds.
LONGEST = 3600

_LOG = logging.getLogger("cin_style")


def upload(label: str, height: int, elem_id: str) -> gr.Image:
    """An image that a visitor hands in: a file's path, opened by nobody but us."""
    component = gr.Image(
        label=label,
        height=height,
        buttons=["fullscreen"],
        type="filepath",
        elem_id=elem_id,
        alt_text=label,
    )
    # Gradio's own would open it, and write it anew without its metadata.
    component.preprocess = lambda payload: None if payload is None else payload.path
    return component


def shown_picture(label: str, height: int, elem_id: str) -> gr.Image:
    """A picture that visitors look at."""
    return gr.Image(
        label=label,
        alt_text=label,
        interactive=False,
        buttons=["fullscreen"],
        height=height,
        elem_id=elem_id,
    )


def editor(label: str, height: int, colours: list[str], brush: int, elem_id: str) -> gr.ImageEditor:
    """A photo that visitors draw on, in these colours and no others."""
    return gr.ImageEditor(
        label=label,
        sources=(),
        transforms=(),
        layers=False,
        height=height,
        brush=gr.Brush(colors=list(colours), color_mode="fixed", default_size=brush),
        elem_id=elem_id,
    )


class Stops:
    """How visitors call off what they wait for."""

    def __init__(self) -> None:
        self._events: dict[str, threading.Event] = {}

    def new(self, visitor: str | None) -> threading.Event:
        """What is set once this visitor stops what begins now."""
        event = self._events[visitor or ""] = threading.Event()
        return event

    def stop(self, request: gr.Request) -> None:
        """Stops what the visitor waits for."""
        event = self._events.pop(request.session_hash or "", None)
        if event:
            event.set()


@dataclasses.dataclass(frozen=True)
class Shared:
    """What the tabs have in common.

    Attributes:
        engine: paints.
        photo: the component that holds the visitor's photo.
        cards: the state that holds the visitor's own styles, a tuple of cards.
        tab: the state that holds what the tab is called that is looked at.
        stops: how visitors call off what they wait for, also by leaving.
        folder: where pictures lie until they are cleared away.
    """

    engine: Engine
    photo: gr.Image
    cards: gr.State
    tab: gr.State
    stops: Stops
    folder: pathlib.Path

    def new_folder(self) -> pathlib.Path:
        """A new folder for what is painted now; what was painted an hour ago goes."""
        for old in self.folder.glob("picture-*"):
            with contextlib.suppress(OSError):  # another visitor's click has cleared it away
                if time.time() - old.stat().st_mtime > LONGEST:
                    shutil.rmtree(old)
        return pathlib.Path(tempfile.mkdtemp(prefix="picture-", dir=self.folder))

    def names(self, cards: Any) -> list[tuple[str, str]]:
        """Titles and names of all styles, as a list to choose from takes them."""
        return [(style.title or style.name, style.name) for style in self.engine.styles(cards)]


class Tab:
    """A tab of the page: draws its components, and connects them with what it does.

    Attributes:
        shared: what all tabs have in common.
    """

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self._draw()
        self._connect()

    def _draw(self) -> None:
        """Places the components."""

    def _connect(self) -> None:
        """Says what happens when something is done with them."""

    def to_draw_on(self, path: str | None) -> dict[str, Any] | None:
        """What an `editor` holds before anything is drawn on a picture."""
        if not path:
            return None
        return {"background": self.shared.engine.photo(path), "layers": [], "composite": None}


@dataclasses.dataclass(frozen=True)
class Again:
    """The boxes that hold how a picture is made again.

    Attributes:
        shell, python: the components.
    """

    shell: gr.Code
    python: gr.Code

    @classmethod
    def make(cls) -> "Again":
        """Draws the boxes, folded away."""
        with gr.Accordion("Make this picture yourself", open=False):
            shell = gr.Code(language="shell", label="Command line", lines=1, wrap_lines=True)
            python = gr.Code(language="python", label="Python", lines=4, wrap_lines=True)
        return cls(shell, python)

    @property
    def boxes(self) -> list[gr.Code]:
        """Both, as outputs of an event."""
        return [self.shell, self.python]


def sentence(error: UserError) -> str:
    """What an error of the library says, for a page: without quoted names of arguments."""
    text = printable(str(error)).replace("`", "")
    return text[:1].upper() + text[1:]


def told(function: Callable) -> Callable:
    """Turns what goes wrong in an event into a sentence on the page."""

    def fail(error: Exception) -> gr.Error:
        if isinstance(error, gr.Error):
            return error
        if isinstance(error, UserError):
            return gr.Error(sentence(error), print_exception=False)
        _LOG.error("an event of the studio failed", exc_info=error)
        return gr.Error("Something went wrong here; the server's log says what.", duration=10)

    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def generate(*arguments: Any, **options: Any) -> Any:
            try:
                yield from function(*arguments, **options)
            except Exception as error:
                raise fail(error) from error

        return generate

    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        try:
            return function(*arguments, **options)
        except Exception as error:
            raise fail(error) from error

    return call


def need(value: Any, what: str) -> Any:
    """A value that a visitor has to give first.

    Raises:
        UserError: it was not given.
    """
    if not value:
        raise UserError(f"{what} first.")
    return value
