"""Families made of paint: oil, knife, points, dabs and watercolour."""

from collections.abc import Sequence

import numpy as np

from cin_style.styles.painters.strokes import Canvas, bristles, lay, sweep, trace
from cin_style.styles.painters.tools import (
    at,
    blend,
    colours,
    equalise,
    fbm,
    flow,
    grid,
    noise,
    paper,
    ramp,
    relief,
    scatter,
    smoothstep,
    steps,
    vary,
    weave,
)


def oil_flow(
    rng: np.random.Generator,
    n: int,
    palette: Sequence[str],
    *,
    width: float,
    heading: float,
    swirls: int,
    radius: float,
    spread: float,
    accent: float,
    bands: float = 5.0,
) -> np.ndarray:
    """Thick oil strokes that run along a turning current, as in the late van Gogh.

    Tones come in bands that follow the current and ring its eddies; `accent` is the share of
    strokes in the palette's last colour.
    """
    angle, centres = flow(rng, n, 2.2, heading, spread, swirls, radius)
    x, y = grid(n)
    tone = 1.5 * fbm(rng, n, 3, 3)
    for cx, cy in centres:
        r = np.hypot(x - cx, y - cy) / (radius * n)
        tone = tone + 2.2 * np.cos(bands * r) * np.exp(-(r**2))
    tone = equalise(tone)
    body, last = palette[:-1], colours(palette)[-1]
    canvas = Canvas.primed(n, colours(palette)[0], 0.5 * weave(rng, n))
    brush = bristles(rng, 7, 75)
    passes = ((1.5, 7.0, 0.05, 0.9), (1.0, 7.5, 0.2, 0.62), (0.62, 9.0, 0.28, 0.8))
    for scale, slim, dry, sparse in passes:
        thick = width * n * scale
        starts = scatter(rng, n, thick * sparse * 1.9)
        count = len(starts)
        length = thick * slim * rng.uniform(0.6, 1.15, count)
        local = np.clip(at(tone, starts) + rng.normal(0, 0.11, count), 0, 1)
        rgb = vary(rng, steps(local, body), 0.07)
        hot = (rng.random(count) < accent * 2) & (local > 0.6)
        rgb[hot] = vary(rng, np.tile(last, (hot.sum(), 1)), 0.06)
        mate = vary(rng, ramp(np.clip(local + rng.choice([-0.18, 0.2], count), 0, 1), body), 0.06)
        widths = thick * rng.uniform(0.75, 1.2, count)
        paths = trace(angle, starts, length)
        lay(canvas, rng, paths, widths, rgb, second=mate, dry=dry, body=4.0, sheet=brush)
    return relief(canvas.rgb, canvas.height, 0.55, 0.16)


def knife(
    rng: np.random.Generator,
    n: int,
    palette: Sequence[str],
    *,
    blade: float,
    headings: Sequence[float],
    tumble: float,
    accent: float,
) -> np.ndarray:
    """Slabs of paint dragged with a palette knife: two colours a slab, ridges at its rims."""
    tone = equalise(fbm(rng, n, 2.6, 3))
    turn = equalise(noise(rng, n, 3.5))
    canvas = Canvas.primed(n, colours(palette)[1], 0.8 * weave(rng, n))
    sheet = bristles(rng, 5, 46)
    last = colours(palette)[-1]
    for scale, dry, sparse in (
        (1.7, 0.04, 0.8),
        (1.15, 0.16, 0.7),
        (0.7, 0.26, 0.85),
        (0.4, 0.3, 1.5),
    ):
        thick = blade * n * scale
        starts = scatter(rng, n, thick * sparse)
        count = len(starts)
        choice = (at(turn, starts) * len(headings)).astype(int).clip(0, len(headings) - 1)
        angle = np.array(headings)[choice] + rng.normal(0, tumble, count)
        length = thick * rng.uniform(1.2, 2.8, count)
        local = np.clip(at(tone, starts) + rng.normal(0, 0.12, count), 0, 1)
        rgb = vary(rng, steps(local, palette[:-1], 0.3), 0.06)
        mate = ramp(np.clip(local + rng.normal(0, 0.3, count), 0, 1), palette[:-1])
        hot = rng.random(count) < accent
        rgb[hot] = vary(rng, np.tile(last, (hot.sum(), 1)), 0.05)
        paths = sweep(starts, angle, length, rng.normal(0, 0.05, count))
        widths = thick * rng.uniform(0.6, 1.15, count)
        lay(
            canvas,
            rng,
            paths,
            widths,
            rgb,
            second=mate,
            dry=dry,
            body=7.0,
            square=9.0,
            sheet=sheet,
        )
    return relief(canvas.rgb, canvas.height, 0.32, 0.14)


def points(
    rng: np.random.Generator,
    n: int,
    palette: Sequence[str],
    *,
    dot: float,
    cells_across: float,
    stretch: float,
    contrast: float,
    shade: Sequence[str],
) -> np.ndarray:
    """Divisionist dots after Seurat: every place mixes its hue, its complement and light.

    The palette runs from shadow to light; `shade` holds the hues set against it.
    """
    tone = equalise(fbm(rng, n, cells_across, 3, 0.6, cells_across * stretch))
    drift, _ = flow(rng, n, 3, 0.4, 0.9)
    canvas = Canvas.primed(n, ramp(np.float32(0.75), palette), 0.8 * weave(rng, n, 120))
    against = colours(shade)
    for scale, sparse, mixing in (
        (1.9, 0.62, 0.05),
        (1.25, 0.6, 0.1),
        (1.0, 0.78, 0.22),
        (0.72, 1.0, 0.34),
    ):
        thick = dot * n * scale
        starts = scatter(rng, n, thick * sparse * 1.15)
        count = len(starts)
        local = at(tone, starts) + rng.normal(0, contrast, count)
        rgb = vary(rng, steps(np.clip(local, 0, 1), palette, 0.3), 0.08)
        mixed = rng.random(count) < mixing
        pick = np.clip((1 - local[mixed]) * len(against), 0, len(against) - 1).astype(int)
        rgb[mixed] = vary(rng, against[pick], 0.08)
        angle = at(drift, starts) + rng.normal(0, 0.35, count)
        paths = sweep(starts, angle, thick * rng.uniform(0.9, 1.35, count))
        lay(
            canvas,
            rng,
            paths,
            thick * rng.uniform(0.8, 1.1, count),
            rgb,
            dry=0.02,
            body=3.0,
            square=1.1,
        )
    return relief(canvas.rgb, canvas.height, 0.4, 0.08)


def dabs(
    rng: np.random.Generator,
    n: int,
    palette: Sequence[str],
    *,
    size: float,
    heading: float,
    sway: float,
    stretch: float,
    slim: float,
    blooms: Sequence[str],
    bloom_share: float,
) -> np.ndarray:
    """Short wet dabs in broken colour, as Monet laid water and leaves.

    Light and reflection lie in long streaks; `blooms` are the accents, gathered in drifts.
    """
    tone = equalise(fbm(rng, n, 2.0, 5, 0.6, 2.0 * stretch))
    drift = fbm(rng, n, 5, 2, 0.5, 5 * stretch**0.5)
    turn = heading + sway * fbm(rng, n, 4, 2)
    canvas = Canvas.primed(n, colours(palette)[1], 0.9 * weave(rng, n))
    sheet = bristles(rng, 14, 90)
    flowers = colours(blooms)
    for scale, dry, sparse, mixing in (
        (2.2, 0.1, 0.9, 0.0),
        (1.3, 0.24, 0.95, 0.0),
        (0.85, 0.3, 1.1, 0.6),
        (0.55, 0.2, 1.7, 1.0),
    ):
        thick = size * n * scale
        starts = scatter(rng, n, thick * sparse * 1.25)
        count = len(starts)
        local = np.clip(at(tone, starts) + rng.normal(0, 0.14, count), 0, 1)
        rgb = vary(rng, ramp(local, palette), 0.1)
        mate = vary(rng, ramp(np.clip(local + rng.normal(0, 0.25, count), 0, 1), palette), 0.08)
        chance = mixing * bloom_share * smoothstep(0.0, 1.3, at(drift, starts)) * 4
        bloom = rng.random(count) < chance
        rgb[bloom] = vary(rng, flowers[rng.integers(0, len(flowers), bloom.sum())], 0.05)
        mate[bloom] = vary(rng, flowers[rng.integers(0, len(flowers), bloom.sum())], 0.05)
        angle = at(turn, starts) + rng.normal(0, 0.22, count)
        paths = sweep(
            starts, angle, thick * slim * rng.uniform(0.6, 1.3, count), rng.normal(0, 0.16, count)
        )
        lay(
            canvas,
            rng,
            paths,
            thick * rng.uniform(0.7, 1.2, count),
            rgb,
            second=mate,
            dry=dry,
            body=2.6,
            square=1.6,
            sheet=sheet,
        )
    return relief(canvas.rgb, canvas.height, 0.5, 0.1)


def watercolour(
    rng: np.random.Generator,
    n: int,
    palette: Sequence[str],
    *,
    washes: int,
    size: float,
    lean: float,
    wet: float,
    ground: str = "#f6f1e4",
) -> np.ndarray:
    """Transparent washes: pigment gathers at the edges, settles in the tooth, blooms back."""
    tooth = paper(rng, n, 170)
    grain = np.clip(1 + 0.16 * tooth + 0.1 * fbm(rng, n, 90, 2), 0.3, 2)
    density = np.zeros((n, n, 3), np.float32)
    absorb = -np.log(np.clip(colours(palette), 0.03, 0.985))
    x, y = grid(n)
    warps = [fbm(rng, n, 5, 5, 0.55) for _ in range(6)]
    places = scatter(rng, n, n / np.sqrt(washes))
    order = rng.permutation(len(places))
    hue_field = equalise(noise(rng, n, 2.5))
    for rank, (cx, cy) in enumerate(places[order]):
        small = rank / len(places)
        reach = size * n * rng.uniform(0.6, 1.25) * (1.25 - 0.85 * small)
        angle, long = lean + rng.normal(0, 0.5), rng.uniform(1.0, 2.3)
        pad = int(2.1 * reach * long)
        rows = slice(max(int(cy) - pad, 0), max(int(cy) + pad, 0))
        cols = slice(max(int(cx) - pad, 0), max(int(cx) + pad, 0))
        box = rows, cols
        if density[box].size == 0:
            continue
        dx, dy = x[box] - cx, y[box] - cy
        along = (dx * np.cos(angle) + dy * np.sin(angle)) / long
        across = dy * np.cos(angle) - dx * np.sin(angle)
        one, two = rng.choice(6, 2, replace=False)
        inner = reach * (1 + 0.3 * warps[one][box]) - np.hypot(along, across)
        soft = wet * n * 0.03 * smoothstep(0.2, 1.4, warps[two][box]) + 1.5 * n / 1024
        cover = smoothstep(-0.5, 0.5, inner / soft)
        rim = np.exp(-np.clip(inner, 0, None) / (0.0045 * n)) * np.clip(
            1.6 - soft / (0.02 * n), 0, 1
        )
        back = np.exp(-(((inner - reach * 0.45) / (0.006 * n)) ** 2)) * (warps[two][box] > 0.7)
        pool = 0.62 + 0.3 * warps[two][box] + 0.22 * across / reach
        load = rng.uniform(0.3, 0.75) * (0.7 + 0.75 * small)
        amount = cover * load * np.clip(pool + 1.15 * rim + 0.35 * back, 0.06, 3) * grain[box]
        hue = np.clip(
            at(hue_field, np.clip([[cx, cy]], 0, n - 1))[0] + rng.normal(0, 0.22), 0, 0.999
        )
        pigment = absorb[int(hue * len(absorb))]
        density[box] += amount[..., None] * pigment
    drops = scatter(rng, n, 0.055 * n)
    for (cx, cy), r in zip(drops, rng.exponential(0.0022 * n, len(drops)) + 0.8, strict=True):
        rows, columns = (
            slice(max(int(c - 3 * r) - 1, 0), max(int(c + 3 * r) + 2, 0)) for c in (cy, cx)
        )
        box = rows, columns
        spot = smoothstep(1.2, 0.8, np.hypot(x[box] - cx, y[box] - cy) / r)
        density[box] += 0.5 * spot[..., None] * absorb[rng.integers(len(absorb))]
    sheet = np.broadcast_to(colours([ground])[0], (n, n, 3))
    return relief(blend(sheet * np.exp(-density), sheet, 0.04), 1.1 * tooth, 0.16)
