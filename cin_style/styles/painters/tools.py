"""Raster helpers that every painter shares: noise, colour, light, paper and cells.

Pictures are float32 arrays of n x n x 3 in [0, 1]; fields are float32 arrays of n x n.
Lengths inside a painter are fractions of n, so a picture keeps its look at any size.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image


def noise(
    rng: np.random.Generator, n: int, cells: float, cells_y: float | None = None
) -> np.ndarray:
    """Smooth value noise of about unit variance, with so many cells across (and down)."""
    cells_y = cells_y or cells
    lattice = rng.standard_normal((int(np.ceil(cells_y)) + 4, int(np.ceil(cells)) + 4))
    box = (1.5, 1.5, 1.5 + cells, 1.5 + cells_y)
    image = Image.fromarray(lattice.astype(np.float32))
    return np.asarray(image.resize((n, n), Image.Resampling.BICUBIC, box=box)) * 1.35


def fbm(
    rng: np.random.Generator,
    n: int,
    cells: float,
    octaves: int = 4,
    gain: float = 0.5,
    cells_y: float | None = None,
) -> np.ndarray:
    """Fractal noise: octaves of value noise, each twice as fine and `gain` as strong."""
    cells_y = cells_y or cells
    total = np.sum(
        [gain**i * noise(rng, n, cells * 2**i, cells_y * 2**i) for i in range(octaves)], axis=0
    )
    return total / math.sqrt(sum(gain ** (2 * i) for i in range(octaves)))


def equalise(field: Any) -> np.ndarray:
    """The field remapped so that its values spread evenly over [0, 1]."""
    levels = np.linspace(0, 1, 129)
    knots = np.quantile(field[::3, ::3], levels)
    return np.interp(field, knots, levels).astype(np.float32)


def smoothstep(low: Any, high: Any, value: Any) -> np.ndarray:
    """Hermite step from 0 at `low` to 1 at `high` (which may be the smaller of the two)."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def grid(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixel coordinates x, y as float32 fields."""
    axis = np.arange(n, dtype=np.float32)
    return np.meshgrid(axis, axis)


def blur(field: Any, sigma: float) -> np.ndarray:
    """Gaussian blur of a field (or of each channel of a picture), in pixels, mirrored edges."""
    if field.ndim == 3:
        return np.stack([blur(field[..., c], sigma) for c in range(field.shape[2])], -1)
    pad = int(3 * sigma) + 1
    padded = np.pad(field, pad, mode="reflect" if pad < field.shape[0] else "edge")
    rows, cols = padded.shape
    fy, fx = np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(cols)[None]
    kernel = np.exp(-2 * (np.pi * sigma) ** 2 * (fx**2 + fy**2))
    out = np.fft.irfft2(np.fft.rfft2(padded) * kernel, s=padded.shape)
    return out[pad:-pad, pad:-pad].astype(np.float32)


def displace(picture: Any, dx: Any, dy: Any) -> np.ndarray:
    """The picture read at (x + dx, y + dy), bilinear, with clamped edges."""
    n = picture.shape[0]
    x, y = grid(n)
    x, y = np.clip(x + dx, 0, n - 1.001), np.clip(y + dy, 0, n - 1.001)
    x0, y0 = x.astype(np.int32), y.astype(np.int32)
    fx, fy = x - x0, y - y0
    if picture.ndim == 3:
        fx, fy = fx[..., None], fy[..., None]
    top = picture[y0, x0] * (1 - fx) + picture[y0, x0 + 1] * fx
    low = picture[y0 + 1, x0] * (1 - fx) + picture[y0 + 1, x0 + 1] * fx
    return top * (1 - fy) + low * fy


def wobble(rng: np.random.Generator, picture: Any, amount: float, cells: float) -> np.ndarray:
    """The picture bent by noise: `amount` (fraction of n) turns ruled edges into drawn ones."""
    n = picture.shape[0]
    return displace(picture, *(amount * n * fbm(rng, n, cells, 3) for _ in range(2)))


def colours(palette: Sequence[str]) -> np.ndarray:
    """Hex colours as a float32 array of k x 3."""
    rgb = [[int(code[i : i + 2], 16) for i in (1, 3, 5)] for code in palette]
    return np.array(rgb, np.float32) / 255


def ramp(t: Any, palette: Sequence[str]) -> np.ndarray:
    """The palette read as a smooth ramp at t in [0, 1]."""
    table = colours(palette)
    knots = np.linspace(0, 1, len(table))
    channels = [np.interp(t, knots, table[:, c]) for c in range(3)]
    return np.stack(channels, -1).astype(np.float32)


def steps(t: Any, palette: Sequence[str], softness: float = 0.15) -> np.ndarray:
    """The palette read at t in [0, 1] as flat steps with a soft joint between them."""
    last = len(palette) - 1
    scaled = np.clip(t, 0, 1) * last
    whole = np.floor(scaled)
    part = smoothstep(0.5 - softness, 0.5 + softness, scaled - whole)
    return ramp((whole + part) / last, palette)


def vary(rng: np.random.Generator, rgb: Any, amount: float) -> np.ndarray:
    """Colours, each shifted a little in value and in warmth."""
    value = rng.normal(0, amount, (len(rgb), 1))
    warmth = rng.normal(0, amount * 0.6, (len(rgb), 1)) * np.array([[1, 0.1, -1]])
    return np.clip(rgb * (1 + value) + warmth, 0, 1).astype(np.float32)


def blend(under: Any, over: Any, alpha: Any) -> np.ndarray:
    """`over` laid on `under` with a field of opacity."""
    if np.ndim(alpha) == 2 and max(np.ndim(under), np.ndim(over)) != 2:
        alpha = alpha[..., None]
    return under + (over - under) * alpha


def relief(rgb: Any, height: Any, strength: float, gloss: float = 0.0) -> np.ndarray:
    """Light from the upper left on a painted surface; `height` in thousandths of its side."""
    gy, gx = np.gradient(height * (height.shape[0] / 1000))
    shade = np.tanh(strength * (0.7 * gx + gy))[..., None]
    lit = rgb * (1 + np.where(shade > 0, 0.35, 0.5) * shade)
    return np.clip(lit + gloss * np.clip(shade, 0, 1) ** 3, 0, 1)


def weave(rng: np.random.Generator, n: int, threads: int = 110) -> np.ndarray:
    """Height of a plain-woven canvas with uneven threads, in about [-1, 1]."""
    x, y = grid(n)
    x = x * (threads / n) + 0.4 * noise(rng, n, 9)
    y = y * (threads / n) + 0.4 * noise(rng, n, 9)
    over = np.sign(np.sin(np.pi * x) * np.sin(np.pi * y))
    thread = np.where(over > 0, np.abs(np.sin(np.pi * x)), np.abs(np.sin(np.pi * y)))
    return (thread * 2 - 1 + 0.35 * noise(rng, n, threads)).astype(np.float32)


def paper(rng: np.random.Generator, n: int, tooth: float = 160) -> np.ndarray:
    """Height of a rough paper: felt marks and tooth, about unit variance."""
    return 0.5 * fbm(rng, n, tooth / 4, 2) + 0.85 * noise(rng, n, tooth)


def scatter(rng: np.random.Generator, n: int, spacing: float, margin: float = 0.06) -> np.ndarray:
    """Shuffled points over the canvas and a margin: a jittered grid, `spacing` in pixels."""
    axis = np.arange(-margin * n, n * (1 + margin), spacing)
    points = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    points = points + rng.uniform(-0.55, 0.55, points.shape) * spacing
    return rng.permutation(points).astype(np.float32)


def at(field: Any, points: Any) -> np.ndarray:
    """The field (or picture) read at points of k x 2, nearest pixel, clamped."""
    last = field.shape[0] - 1
    x, y = np.clip(np.rint(points), 0, last).astype(np.int32).T
    return field[y, x]


def flow(
    rng: np.random.Generator,
    n: int,
    cells: float,
    heading: float = 0.0,
    spread: float = 1.0,
    swirls: int = 0,
    swirl_radius: float = 0.16,
) -> tuple[np.ndarray, np.ndarray]:
    """Angles of a smooth current: a heading bent by noise and caught in eddies.

    Also returns the eddies' centres (pixels), to let a painter compose around them.
    """
    angle = heading + spread * fbm(rng, n, cells, 2, 0.4)
    vx, vy = np.cos(angle), np.sin(angle)
    x, y = grid(n)
    centres = scatter(rng, n, n / np.sqrt(max(swirls, 1)), margin=0.0)[:swirls]
    for cx, cy in centres:
        dx, dy = x - cx, y - cy
        r = np.hypot(dx, dy) + 1e-3
        pull = 4 * np.exp(-((r / (swirl_radius * n * rng.uniform(0.6, 1.3))) ** 2))
        pull *= rng.choice([-1, 1])
        vx, vy = vx - pull * dy / r, vy + pull * dx / r
    return np.arctan2(vy, vx).astype(np.float32), centres


def cells(
    points: Any, n: int, reach: float, angle: Any = None, stretch: float = 1.0, square: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The cells around points, looking no farther than `reach` pixels.

    Returns each pixel's nearest point, the distance to it and that to the border of its cell.
    Cells may be stretched along an angle of their own, and square rather than round.
    """
    first = np.full((n, n), reach, np.float32)
    second = np.full((n, n), reach, np.float32)
    index = np.zeros((n, n), np.int32)
    angle = np.zeros(len(points)) if angle is None else angle
    for i, ((px, py), a) in enumerate(zip(points.tolist(), angle.tolist(), strict=True)):
        x0, x1 = max(int(px - reach), 0), min(int(px + reach) + 1, n)
        y0, y1 = max(int(py - reach), 0), min(int(py + reach) + 1, n)
        if x0 >= x1 or y0 >= y1:
            continue
        dx = np.arange(x0, x1, dtype=np.float32)[None] - px
        dy = np.arange(y0, y1, dtype=np.float32)[:, None] - py
        along = (dx * math.cos(a) + dy * math.sin(a)) / stretch
        across = dy * math.cos(a) - dx * math.sin(a)
        if square:
            d = np.maximum(np.abs(along), np.abs(across))
        else:
            d = np.sqrt(along**2 + across**2)
        window = np.s_[y0:y1, x0:x1]
        d1, d2 = first[window], second[window]
        index[window] = np.where(d < d1, i, index[window])
        second[window] = np.minimum(d2, np.maximum(d, d1))
        first[window] = np.minimum(d1, d)
    lead = second - first
    steep = np.maximum(blur(np.hypot(*np.gradient(lead)), 1.5), 0.4 / stretch)
    return index, first, lead / steep


def ribbon(path: np.ndarray, width: Any) -> list[tuple[float, ...]]:
    """The outline of a line with its own width (pixels) at each point, as a polygon."""
    tangent = np.gradient(path, axis=0)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], -1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-6
    side = normal * (np.broadcast_to(width, len(path))[:, None] / 2)
    return polygon(np.concatenate([path + side, (path - side)[::-1]]))


def polygon(points: Any) -> list[tuple[float, ...]]:
    """Points of k x 2 as the list of tuples that ImageDraw wants."""
    return [tuple(p) for p in np.asarray(points, float).tolist()]


def bezier(corners: Any, count: int = 40) -> np.ndarray:
    """A cubic Bezier curve through its first and last corner, count x 2."""
    t = np.linspace(0, 1, count)[:, None]
    a, b, c, d = np.asarray(corners, float)
    return a * (1 - t) ** 3 + 3 * b * t * (1 - t) ** 2 + 3 * c * t**2 * (1 - t) + d * t**3


def blank(n: int, colour: Any) -> Image.Image:
    """An n x n Pillow picture of one colour (three floats), to draw on."""
    return Image.new("RGB", (n, n), ink(colour))


def ink(colour: Any) -> tuple[int, ...]:
    """A colour of three floats as the tuple of bytes that ImageDraw wants."""
    return tuple(int(v) for v in np.clip(np.asarray(colour) * 255 + 0.5, 0, 255))


def pixels(image: Image.Image) -> np.ndarray:
    """A Pillow picture as floats in [0, 1]."""
    return np.asarray(image, np.float32) / 255
