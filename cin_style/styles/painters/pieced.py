"""Families that are pieced together: cubist shards, torn paper and thread."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from cin_style.styles.painters.strokes import Canvas, bristles, lay, sweep, trace
from cin_style.styles.painters.tools import (
    at,
    blend,
    blur,
    colours,
    equalise,
    fbm,
    grid,
    noise,
    polygon,
    ramp,
    relief,
    scatter,
    smoothstep,
    steps,
    vary,
    weave,
    wobble,
)


def split(rng: np.random.Generator, shape: Any, smallest: float, curve: float) -> Any:
    """Polygons cut again and again by straight lines until each is small enough."""
    done, pending = [], [shape]
    while pending:
        piece = pending.pop()
        centre = piece.mean(0)
        offset = piece - centre
        size = np.sqrt(np.abs(np.linalg.det(offset.T @ offset / len(piece)))) ** 0.5
        if size < smallest * rng.lognormal(0, curve):
            done.append(piece)
            continue
        _, _, axes = np.linalg.svd(offset)
        turn = np.arctan2(axes[0, 1], axes[0, 0]) + np.pi / 2 + rng.normal(0, 0.42)
        normal = np.array([-np.sin(turn), np.cos(turn)])
        side = (offset - axes[0] * rng.normal(0, 0.22) * size) @ normal
        halves: tuple[list, list] = ([], [])
        for i in range(len(piece)):
            j = (i + 1) % len(piece)
            halves[int(side[i] > 0)].append(piece[i])
            if (side[i] > 0) != (side[j] > 0):
                t = side[i] / (side[i] - side[j])
                cut = piece[i] + t * (piece[j] - piece[i])
                halves[0].append(cut)
                halves[1].append(cut)
        if min(len(h) for h in halves) < 3:
            done.append(piece)
        else:
            pending += [np.array(h) for h in halves]
    return done


def facets(rng: np.random.Generator, n: int, size: float, arcs: int) -> Any:
    """A map of areas: a sheet split into shards, then ringed by some discs."""
    frame = np.array([(-0.1, -0.1), (1.1, -0.1), (1.1, 1.1), (-0.1, 1.1)]) * n
    sheet = Image.new("I", (n, n), 0)
    draw = ImageDraw.Draw(sheet)
    for i, piece in enumerate(split(rng, frame, size, 0.45)):
        draw.polygon(polygon(piece), fill=i)
    plan = np.asarray(sheet).astype(np.int64)
    x, y = grid(n)
    for k, (cx, cy) in enumerate(scatter(rng, n, 0.36 * n, 0.0)[:arcs]):
        r = np.hypot(x - cx, y - cy) + 0.004 * n * noise(rng, n, 9)
        ring = np.clip(r / (rng.uniform(0.05, 0.085) * n), 0, 4).astype(np.int64)
        plan = plan * 7 + np.where(ring < 4, ring + 1 + k % 2, 0)
    return np.unique(plan, return_inverse=True)[1].reshape(n, n)


def _brush_planes(
    rng: np.random.Generator,
    canvas: Canvas,
    rgb: np.ndarray,
    slant: np.ndarray,
    plan: np.ndarray,
    width: float,
) -> None:
    """Strokes (so many pixels wide) in the colours of the planes, across their slant."""
    sheet = bristles(rng, 9, 70)
    for scale, dry in ((1.3, 0.1), (0.8, 0.26)):
        starts = scatter(rng, len(rgb), width * scale * 1.05)
        thick = width * scale
        length = thick * rng.uniform(1.6, 3.4, len(starts))
        colour = vary(rng, np.clip(at(rgb, starts), 0, 1), 0.055)
        mate = vary(rng, colour * 0.9, 0.08)
        angle = at(slant, starts) + np.pi / 2 + rng.normal(0, 0.12, len(starts))
        paths = sweep(starts, angle, length)
        lay(
            canvas,
            rng,
            paths,
            thick,
            colour,
            second=mate,
            dry=dry,
            body=2.6,
            square=4,
            sheet=sheet,
            plan=plan,
        )


def shards(
    rng: np.random.Generator,
    n: int,
    palette: Sequence[str],
    *,
    facet: float,
    brush: float,
    contour: float,
    arcs: int,
    outline: float,
    veil: float,
) -> np.ndarray:
    """Cubist facets: two sheets of planes seen through each other, each plane fading from an edge.

    `veil` is the weight of the second sheet, `arcs` the number of discs that ring the planes, as
    the orphists did; the last colour is the contour.
    """
    x, y = grid(n)
    tone = equalise(fbm(rng, n, 2, 2))
    place = np.stack([x, y], -1)
    body = palette[:-1]
    plan = np.zeros((n, n), np.int64)
    rgb = np.zeros((n, n, 3), np.float32)
    slant = np.zeros((n, n), np.float32)
    for share, coarse in ((1 - veil, 1.0), (veil, 1.7)):
        layer = facets(rng, n, facet * n * coarse, arcs)
        count = layer.max() + 1
        area = np.bincount(layer.ravel(), minlength=count)
        heart = np.stack([np.bincount(layer.ravel(), a.ravel(), count) / area for a in (x, y)], -1)
        light = rng.choice([0.3, 0.9, 1.4, 2.2], count) + rng.normal(0, 0.25, count)
        aim = np.stack([np.cos(light), np.sin(light)], -1)[layer]
        across = ((place - heart[layer]) * aim).sum(-1) / (np.sqrt(area)[layer] + 1)
        local = at(tone, heart) + rng.normal(0, 0.24, count)
        base = vary(rng, steps(np.clip(local, 0, 1), body, 0.2), 0.05)
        rgb += share * base[layer] * (1 + np.clip(1.1 * across, -0.6, 0.6))[..., None]
        slant += share * light[layer]
        plan = plan * count + layer
    _, plan = np.unique(plan, return_inverse=True)
    plan = plan.reshape(n, n)
    edge = np.any([np.diff(plan, axis=a, prepend=0) != 0 for a in (0, 1)], axis=0)
    canvas = Canvas.primed(n, colours(palette)[-1], 0.8 * weave(rng, n))
    canvas.rgb[:] = rgb
    _brush_planes(rng, canvas, rgb, slant, plan, brush * n)
    line = blur(edge.astype(np.float32), contour * n) * (contour * n * 2.5)
    press = smoothstep(-0.5, 0.9, fbm(rng, n, 5, 3))
    dark = outline * smoothstep(0.25, 0.75, line * (0.3 + 1.1 * press))
    dark = wobble(rng, dark, 0.0018, 24)
    rgb = blend(canvas.rgb, colours(palette)[-1], np.clip(dark, 0, 1))
    return relief(rgb, canvas.height + 1.5 * dark, 0.5, 0.07)


def collage(
    rng: np.random.Generator, n: int, palette: Sequence[str], *, scrap: float, layers: int
) -> np.ndarray:
    """Torn paper: painted, ruled and dotted scraps with white torn rims and soft shadows.

    The palette gives print ink, then the papers.
    """
    rgb = np.broadcast_to(colours(palette)[1], (n, n, 3)).copy()
    height = np.zeros((n, n), np.float32)
    x, y = grid(n)
    tears = [fbm(rng, n, 7, 6, 0.62) for _ in range(5)]
    fibre = fbm(rng, n, 110, 2)
    gouache = [fbm(rng, n, 4, 5, 0.6, 22) for _ in range(2)]
    papers = colours(palette)[1:]
    points = np.concatenate(
        [scatter(rng, n, scrap * n * s, 0.08) for s in (1.0, 0.85, 0.95)[:layers]]
    )
    for cx, cy in points:
        wide, tall = scrap * n * rng.uniform(0.5, 1.0, 2)
        angle = rng.uniform(0, np.pi)
        pad = int(1.15 * np.hypot(wide, tall))
        box = tuple(slice(max(int(c) - pad, 0), max(int(c) + pad, 0)) for c in (cy, cx))
        if rgb[box].size == 0:
            continue
        dx, dy = x[box] - cx, y[box] - cy
        u = dx * np.cos(angle) + dy * np.sin(angle)
        v = dy * np.cos(angle) - dx * np.sin(angle) + 0.25 * u * rng.normal(0, 1)
        tear, torn = (tears[i][box] for i in rng.choice(5, 2, replace=False))
        inner = np.minimum(wide - np.abs(u), tall - np.abs(v)) + 0.012 * n * tear
        core = (
            inner
            - (0.006 + 0.005 * rng.random()) * n * np.clip(1 + torn, 0, 3)
            + 0.002 * n * fibre[box]
        )
        shadow = smoothstep(-0.022 * n, 0.006 * n, inner)
        rgb[box] *= (1 - 0.42 * shadow)[..., None]
        colour = vary(rng, papers[rng.integers(len(papers))][None], 0.05)[0]
        wash = gouache[rng.integers(2)][box]
        face = colour * (1 + 0.09 * wash + 0.03 * fibre[box])[..., None]
        mark = pattern(rng, u / n, v / n, wash)
        other = colours(palette)[0] if rng.random() < 0.6 else papers[rng.integers(len(papers))]
        face = blend(face, other, 0.82 * mark)
        rag = np.array([0.96, 0.94, 0.89], np.float32) * (1 + 0.05 * fibre[box])[..., None]
        piece = blend(np.broadcast_to(rag, face.shape), face, smoothstep(-1.5, 1.5, core))
        cover = smoothstep(-1, 1, inner)
        rgb[box] = blend(rgb[box], piece, cover)
        sheet = 2.2 * smoothstep(-1, 3, core) + 0.35 * wash + 0.5 * fibre[box]
        height[box] = blend(height[box], sheet + 2, cover)
    return relief(rgb, height, 0.34, 0.04)


def pattern(rng: np.random.Generator, u: Any, v: Any, wash: Any) -> Any:
    """Marks printed on a scrap: none, ruled lines, dots, checks, broken type or scribble."""
    kind = rng.integers(7)
    pitch = rng.uniform(0.012, 0.024)
    soft = 0.25
    bend = 0.0016 * wash
    rows = np.sin(2 * np.pi * (v + bend) / pitch)
    columns = np.sin(2 * np.pi * (u + bend) / pitch)
    if kind == 1:
        return smoothstep(0.3, 0.3 + soft, rows)
    if kind == 2:
        return smoothstep(0.35, 0.35 + soft, rows * columns)
    if kind == 3:
        return smoothstep(0.0, soft, rows * columns) * 0.9
    if kind == 4:
        word = np.sin(u * 520 + 9 * np.sin(np.floor((v + bend) / pitch * 2) * 12.9 + u * 61))
        return smoothstep(0.1, 0.5, rows) * smoothstep(-0.25, 0.1, word)
    if kind == 5:
        return smoothstep(
            0.72, 0.9, np.sin(2 * np.pi * (v + 3 * bend + 0.01 * np.sin(u * 40)) / (2 * pitch))
        )
    return np.zeros_like(u)


def embroidery(
    rng: np.random.Generator,
    n: int,
    palette: Sequence[str],
    *,
    thread: float,
    stitch: float,
    bands: float,
    gold: float,
) -> np.ndarray:
    """Satin stitch on linen: bands of glossy thread that lie along or across the drawing.

    The palette's last colour is a metal thread, couched along the borders of the bands.
    """
    form = fbm(rng, n, 2.4, 2, 0.35)
    level = equalise(form) * bands
    band = np.floor(level).astype(int)
    gy, gx = np.gradient(blur(form, 0.01 * n))
    across = np.arctan2(gy, gx)
    slant = np.where(band % 3 == 0, 0.12, np.where(band % 3 == 1, 0.95, -0.75))
    turn = (across + slant).astype(np.float32)
    body = palette[:-1]
    table = ramp(np.linspace(0, 1, len(body)), body)
    order = rng.permutation(np.arange(bands + 1) % len(body))
    canvas = Canvas.primed(n, colours(palette)[0] * 0.5, 2 * weave(rng, n, 120))
    sheet = bristles(rng, 90, 30)
    for scale, dry in ((1.15, 0.0), (1.0, 0.0), (0.9, 0.0)):
        thick = thread * n * scale
        starts = scatter(rng, n, thick * 2.0)
        home = at(band, starts)
        rgb = vary(rng, table[order[home]], 0.07)
        shift = rng.random(len(starts)) < 0.12
        rgb[shift] = vary(rng, table[(order[home[shift]] + 1) % len(body)], 0.05)
        length = stitch * n * rng.uniform(0.7, 1.15, len(starts))
        paths = trace(turn, starts, length)
        lay(
            canvas,
            rng,
            paths,
            thick,
            rgb * 0.93,
            second=rgb * 1.05,
            dry=dry,
            body=3.0,
            square=6,
            sheet=sheet,
            plan=band,
        )
    rim = np.abs(level - np.rint(level)) / (np.hypot(*np.gradient(level)) + 1e-5)
    starts = scatter(rng, n, thread * n * 0.9)
    starts = starts[(at(rim, starts) < thread * n * 0.7) & (rng.random(len(starts)) < gold)]
    rgb = vary(rng, np.tile(colours(palette)[-1], (len(starts), 1)), 0.08)
    angle = at(across, starts) + np.pi / 2 + rng.normal(0.35, 0.1, len(starts))
    paths = sweep(starts, angle, thread * n * 3.2)
    lay(canvas, rng, paths, thread * n * 1.2, rgb, second=rgb * 0.8, dry=0.0, body=6, square=1.5)
    return relief(canvas.rgb, canvas.height, 0.5, 0.22)
