"""A brush engine: strokes as bundles of bristles laid on a canvas that has thickness.

Each stroke is sampled on a grid of its own (along x across) finer than the pixels, and the
samples are written to the canvas in order, so that later strokes cover earlier ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from cin_style.styles.painters.tools import at, equalise, fbm, noise

STEP = 0.72
CHUNK = 1_500_000


@dataclass
class Canvas:
    """Paint on a surface: its colour and its height (thousandths of the side)."""

    rgb: np.ndarray
    height: np.ndarray

    @classmethod
    def primed(cls, n: int, colour: Any, height: Any = None) -> "Canvas":
        """A canvas of one ground colour, flat or with a height of its own."""
        rgb = np.empty((n, n, 3), np.float32)
        rgb[:] = colour
        return cls(rgb, np.zeros((n, n), np.float32) if height is None else height.copy())


def trace(angle: Any, starts: Any, length: Any) -> np.ndarray:
    """Paths that follow a field of angles both ways from their middles, k x steps x 2."""
    length = np.broadcast_to(np.asarray(length, np.float32), len(starts))
    half = max(int(np.ceil(length.max() / STEP / 2)), 2)
    stride = (length / (2 * half))[:, None]
    sides = []
    for sign in (-1, 1):
        here = starts.astype(np.float32)
        side = []
        for _ in range(half):
            a = at(angle, here)
            here = here + sign * stride * np.stack([np.cos(a), np.sin(a)], -1)
            side.append(here)
        sides.append(side)
    return np.stack(sides[0][::-1] + [starts.astype(np.float32)] + sides[1], 1)


def sweep(starts: Any, angle: Any, length: Any, bend: Any = 0.0) -> np.ndarray:
    """Paths that leave their middles at an angle of their own, each bent into an arc."""
    length = np.broadcast_to(np.asarray(length, np.float32), len(starts))
    count = max(int(np.ceil(length.max() / STEP)), 4)
    u = np.linspace(-0.5, 0.5, count, dtype=np.float32)[None]
    along = u * length[:, None]
    across = np.reshape(bend, (-1, 1)) * length[:, None] * (4 * u**2 - 0.5)
    c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
    path = np.stack([along * c - across * s, along * s + across * c], -1)
    return (starts[:, None] + path).astype(np.float32)


def bristles(rng: np.random.Generator, along: float = 10.0, across: float = 90.0) -> np.ndarray:
    """A sheet of streaks, even over [0, 1]: rows run along the stroke, columns across it."""
    return equalise(fbm(rng, 1024, across, 2, 0.45, along) + 0.35 * noise(rng, 1024, 90))


def samples(
    rng: np.random.Generator, n: int, paths: np.ndarray, width: np.ndarray, sheet: Any
) -> Iterator[tuple[Any, ...]]:
    """Walk the strokes in chunks: yields (strokes, flat pixel, inside, u, v, streak).

    u runs 0..1 along a stroke and v -1..1 across it; `inside` says which samples are on canvas.
    """
    count = paths.shape[1]
    breadth = int(np.ceil(width.max() / STEP)) + 1
    v = np.linspace(-1, 1, breadth, dtype=np.float32)[None, None]
    u = np.linspace(0, 1, count, dtype=np.float32)[None, :, None]
    rows, cols = np.arange(count)[None, :, None], np.arange(breadth)[None, None]
    tangent = np.gradient(paths, axis=1)
    tangent /= np.linalg.norm(tangent, axis=2, keepdims=True) + 1e-6
    size = max(CHUNK // (count * breadth), 1)
    corner = rng.integers(0, 1024, (2, len(paths), 1, 1))
    for first in range(0, len(paths), size):
        part = np.s_[first : first + size]
        reach = v * (width[part, None, None] / 2)
        x = paths[part, :, :1] - tangent[part, :, 1:] * reach
        y = paths[part, :, 1:] + tangent[part, :, :1] * reach
        x, y = np.rint(x).astype(np.int32), np.rint(y).astype(np.int32)
        inside = (x >= 0) & (x < n) & (y >= 0) & (y < n)
        streak = sheet[(corner[0, part] + rows) & 1023, (corner[1, part] + cols) & 1023]
        yield part, y * n + x, inside, u, v, streak


def lay(
    canvas: Canvas,
    rng: np.random.Generator,
    paths: np.ndarray,
    width: Any,
    rgb: Any,
    *,
    second: Any = None,
    dry: float = 0.15,
    body: float = 1.0,
    square: float = 3.0,
    sheet: Any = None,
    plan: Any = None,
) -> None:
    """Lay opaque strokes of paint on the canvas, in order.

    `width` in pixels and `rgb` (with an optional `second` colour caught in the bristles) are
    per stroke. `dry` is how much the brush runs out towards its end, `body` how thick the paint
    stands, `square` how blunt the ends are. With a `plan` (a field of areas) a stroke stays inside
    the area that its middle lies in.
    """
    n = canvas.rgb.shape[0]
    width = np.broadcast_to(np.asarray(width, np.float32), len(paths))
    sheet = bristles(rng) if sheet is None else sheet
    second = rgb if second is None else second
    flat_rgb, flat_height = canvas.rgb.reshape(-1, 3), canvas.height.reshape(-1)
    for part, pixel, inside, u, v, streak in samples(rng, n, paths, width, sheet):
        profile = np.clip(1 - np.abs(2 * u - 1) ** (2 * square), 0, 1) ** 0.5
        edge = profile * (1 - 0.22 * streak)
        wet = streak > dry * (0.3 + 1.3 * u**2)
        mask = inside & (np.abs(v) < edge) & wet
        if plan is not None:
            home = at(plan, paths[part, paths.shape[1] // 2])[:, None, None]
            mask &= plan.reshape(-1)[np.where(inside, pixel, 0)] == home
        where = pixel[mask]
        caught = np.clip((streak - 0.45) * 2.2, 0, 1)[mask][:, None]
        owner = np.nonzero(mask)[0]
        low, high = rgb[part][owner], second[part][owner]
        tone = 0.94 + 0.12 * streak[mask][:, None]
        flat_rgb[where] = (low + (high - low) * caught) * tone
        ridge = 0.45 + 0.75 * streak + 0.7 * np.abs(v) ** 5 + 0.4 * u**6
        flat_height[where] = body * ridge[mask] + 0.25 * flat_height[where]


def deposit(
    rng: np.random.Generator,
    n: int,
    paths: np.ndarray,
    width: Any,
    strength: Any,
    *,
    sheet: Any = None,
    taper: float = 1.0,
) -> np.ndarray:
    """How much dry medium (ink, chalk) the strokes leave in each pixel, summed."""
    width = np.broadcast_to(np.asarray(width, np.float32), len(paths))
    strength = np.broadcast_to(np.asarray(strength, np.float32), len(paths))
    sheet = bristles(rng) if sheet is None else sheet
    total = np.zeros(n * n, np.float32)
    for part, pixel, inside, u, v, streak in samples(rng, n, paths, width, sheet):
        press = np.clip(4 * u * (1 - u), 0, 1) ** (0.5 * taper)
        amount = strength[part, None, None] * np.clip(press - np.abs(v) ** 3, 0, 1)
        amount = amount * (0.45 + 1.1 * streak) * STEP**2
        total += np.bincount(pixel[inside], amount[inside], n * n).astype(np.float32)
    return total.reshape(n, n)
