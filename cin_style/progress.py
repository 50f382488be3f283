"""How far a long job is: a bar on a terminal, and a line now and then in a log."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Self, TypeVar

import tqdm

# In a log: seconds between two lines.
EVERY = 30.0

# On a terminal: seconds between two pictures of the bar.
_REFRESH = 0.5

_Item = TypeVar("_Item")


class Bar:
    """Counts what is done, and shows it on the standard error.

    On a terminal a bar moves. Elsewhere, such as in a log file, a plain line comes every half
    minute, and one at the end if there was any before: short jobs stay silent.

    Args:
        total: how many there are to do.
        unit: what is counted, in the singular.
        initial: how many were done before.
        shown: `False`: only counts.
        passing: the bar is a part of something larger: it comes after two seconds, and goes when
            it is done.

    Attributes:
        total, unit: as given.
        count: how many are done.

    Example:

        >>> with Bar(2, "photo") as bar:
        ...     bar.update()
        ...     bar.update()
        >>> bar.count
        2
    """

    def __init__(
        self,
        total: int,
        unit: str,
        initial: int = 0,
        shown: bool = True,
        passing: bool = False,
    ) -> None:
        self.total = total
        self.unit = unit
        self.count = self._initial = initial
        self._bar = self._figures = None
        self._begun = self._told = time.monotonic()
        self._lines = 0
        self._silent = not shown
        if shown and sys.stderr.isatty():
            self._bar = tqdm.tqdm(
                total=total,
                initial=initial,
                unit=unit,
                mininterval=_REFRESH,
                dynamic_ncols=True,
                delay=2 if passing else 0,
                leave=not passing,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def update(
        self, count: int = 1, figures: Callable[[], Mapping[str, float]] | None = None
    ) -> None:
        """Counts on.

        Args:
            count: how many more are done.
            figures: what else to show, such as losses. Called only where something is shown,
                which it is at the end in any case.
        """
        self.count += count
        ended = self.count >= self.total
        if self._bar is not None:
            if (self._bar.update(count) or ended) and figures:
                self._bar.set_postfix({name: f"{value:.3g}" for name, value in figures().items()})
        elif not self._silent and time.monotonic() - self._told >= EVERY:
            self._line(figures)
        elif ended and self._lines:
            self._line(figures)

    def _line(self, figures: Callable[[], Mapping[str, float]] | None) -> None:
        self._told = time.monotonic()
        self._lines += 1
        seconds = self._told - self._begun
        parts = [f"{self.unit} {self.count:,} of {self.total:,}", f"{duration(seconds)} so far"]
        done, left = self.count - self._initial, self.total - self.count
        if done > 0 and left > 0:
            parts.append(f"some {duration(seconds / done * left)} to go")
        parts += [f"{name} {value:.3g}" for name, value in (figures() if figures else {}).items()]
        print(", ".join(parts), file=sys.stderr, flush=True)

    def close(self) -> None:
        """Ends the bar, also where the job was stopped."""
        if self._bar is not None:
            self._bar.close()


def track(items: Sequence[_Item], unit: str) -> Iterator[_Item]:
    """Goes through some items, and shows how far it is; see `Bar`."""
    with Bar(len(items), unit) as bar:
        for item in items:
            yield item
            bar.update()


@contextlib.contextmanager
def aside() -> Iterator[None]:
    """Other lines written meanwhile don't run into a bar."""
    with tqdm.tqdm.external_write_mode(sys.stderr):
        yield


def duration(seconds: float) -> str:
    """A length of time in words, of two digits or so.

    Example:

        >>> duration(41.4), duration(1680), duration(130 * 3600)
        ('41 s', '28 min', '130 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    hours = seconds / 3600
    return f"{hours:.1f} h" if hours < 10 else f"{hours:.0f} h"
