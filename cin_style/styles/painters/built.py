"""Families that are built of pieces: glass, mosaic, fans and tiles."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from cin_style.styles.painters.tools import (
    at,
    blank,
    blend,
    blur,
    cells,
    colours,
    equalise,
    fbm,
    flow,
    grid,
    ink,
    noise,
    paper,
    pixels,
    polygon,
    relief,
    ribbon,
    scatter,
    smoothstep,
    steps,
    vary,
    wobble,
)


def glass(
    rng: np.random.Generator,
    n: int,
    palette: Sequence[str],
    *,
    pane: float,
    stretch: float,
    lead: float,
    spread: float,
    paint: float,
) -> np.ndarray:
    """Leaded glass: streaky panes lit from behind, rounded dark cames, a little grisaille.

    The palette's last colour is the lead.
    """
    centres = scatter(rng, n, pane * n, 0.2)
    small = scatter(rng, n, pane * n * 1.6, 0.1)
    cluster = small[:, None] + rng.normal(0, pane * n * 0.33, (len(small), 3, 2))
    centres = np.concatenate([centres, cluster.reshape(-1, 2)]).astype(np.float32)
    turn, _ = flow(rng, n, 2.2, 1.1, spread)
    angle = at(turn, centres)
    reach = pane * n * 1.9 * stretch
    index, first, border = cells(centres, n, reach, angle, stretch)
    dx, dy = (0.006 * n * fbm(rng, n, 16, 2) for _ in range(2))
    border, index = displace_cells(border, index, dx, dy)
    hue = equalise(fbm(rng, n, 2.4, 2))
    local = np.clip(at(hue, centres) + rng.normal(0, 0.16, len(centres)), 0, 1)
    table = vary(rng, steps(local, palette[:-1], 0.1), 0.09)
    rgb = table[index]
    streak = fbm(rng, n, 5, 4, 0.6, 20)
    cloud = fbm(rng, n, 8, 4)
    glow = np.exp(-first / (0.55 * pane * n))
    rgb = rgb * (0.78 + 0.4 * glow + 0.1 * streak + 0.12 * cloud)[..., None]
    rgb = blend(
        rgb, np.array([1, 0.97, 0.86], np.float32), 0.2 * glow * smoothstep(0.0, 1.6, cloud)
    )
    lines = np.sin(0.5 * np.pi * first / (0.016 * n) + 2 * noise(rng, n, 9))
    veins = smoothstep(0.55, 0.95, lines) * (rng.random(len(centres)) < paint)[index]
    rgb = rgb * (1 - 0.5 * veins)[..., None]
    seeds = smoothstep(1.9, 2.5, noise(rng, n, 90))
    rgb = blend(rgb, np.array([1, 1, 0.95], np.float32), 0.35 * seeds)
    width = lead * n * (1 + 0.22 * noise(rng, n, 7))
    came = smoothstep(width + 1.2, width - 1.2, border)
    rgb = rgb * (1 - 0.35 * np.exp(-np.clip(border - width, 0, None) / (0.0035 * n)))[..., None]
    metal = colours(palette)[-1] * (1 + 0.25 * fbm(rng, n, 50, 2))[..., None]
    round_top = np.sqrt(np.clip(1 - (border / (width + 1)) ** 2, 0, 1)) * came
    rgb = blend(rgb, metal, came)
    height = 1100 * round_top * lead + 0.6 * cloud
    return relief(rgb, height, 0.35, 0.12)


def displace_cells(border: Any, index: Any, dx: Any, dy: Any) -> Any:
    """A cell map with its borders bent by the same small displacement."""
    n = index.shape[0]
    x, y = grid(n)
    cols = np.clip(np.rint(x + dx), 0, n - 1).astype(np.int32)
    rows = np.clip(np.rint(y + dy), 0, n - 1).astype(np.int32)
    return border[rows, cols], index[rows, cols]


def mosaic(
    rng: np.random.Generator,
    n: int,
    palette: Sequence[str],
    *,
    tile: float,
    cells_across: float,
    bands: float,
    grout: float,
    gold: float,
) -> np.ndarray:
    """Tesserae set in rows along the contours of a drawing, each tipped its own way.

    The stones find their places by Lloyd's relaxation with a square metric that turns with the
    contours. `gold` is the share of the palette's last colour among the light stones.
    """
    half = n // 2
    form = fbm(rng, half, cells_across, 2, 0.35)
    gy, gx = np.gradient(blur(form, 0.012 * half))
    turn = np.arctan2(gy, gx)
    sites = scatter(rng, half, tile * half, 0.04)
    sites = sites[((sites > -0.03 * half) & (sites < 1.03 * half)).all(1)]
    x, y = (a.ravel() for a in grid(half))
    for _ in range(7):
        angle = at(turn, sites)
        index = cells(sites, half, 1.9 * tile * half, angle, square=True)[0].ravel()
        count = np.bincount(index, minlength=len(sites))
        centre = [np.bincount(index, a, len(sites)) / np.maximum(count, 1) for a in (x, y)]
        inner = ((sites > 0.02 * half) & (sites < 0.98 * half)).all(1) & (count > 0)
        sites = np.where(inner[:, None], np.stack(centre, -1), sites).astype(np.float32)
    angle = at(turn, sites) + rng.normal(0, 0.05, len(sites))
    area = np.sqrt(np.clip(count, 0.5 * (tile * half) ** 2, 1.3 * (tile * half) ** 2)) * 2
    tone = equalise(form)
    local = at(tone, sites)
    body = palette[1:-1]
    local = (np.floor(local * bands) * 0.382) % 1 * 0.65 + 0.35 * local
    rgb = vary(rng, steps(np.clip(local + rng.normal(0, 0.035, len(sites)), 0, 1), body), 0.08)
    hot = rng.random(len(sites)) < gold * smoothstep(0.3, 0.9, at(tone, sites)) * 2
    rgb[hot] = vary(rng, np.tile(colours(palette)[-1], (hot.sum(), 1)), 0.1)
    stones = Image.new("I", (n, n), 0)
    draw = ImageDraw.Draw(stones)
    corner = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) / 2
    for i in rng.permutation(len(sites)):
        c, s = np.cos(angle[i]), np.sin(angle[i])
        shape = corner * (1 - grout) + rng.normal(0, 0.045, (4, 2))
        shape = shape * area[i] @ np.array([[c, s], [-s, c]])
        draw.polygon(polygon(shape + 2 * sites[i]), fill=int(i) + 1)
    stone = np.asarray(stones) - 1
    bed = stone < 0
    px, py = grid(n)
    off = np.stack([px, py], -1) - 2 * sites[stone]
    tilt = rng.normal(0, 0.11, (len(sites), 2)).astype(np.float32)
    lean = (off * tilt[stone]).sum(-1)
    speck = fbm(rng, n, 60, 3)
    mortar = colours(palette)[0] * (0.8 + 0.12 * fbm(rng, n, 70, 3))[..., None]
    rgb = np.where(bed[..., None], mortar, rgb[stone] * (1 + 0.06 * speck)[..., None])
    rim = blur((~bed).astype(np.float32), 0.0016 * n)
    height = 9 * rim + np.where(bed, 0, 3 + lean) * 1000 / n + 0.5 * speck
    return relief(rgb, height, 0.3, 0.22)


def fans(
    rng: np.random.Generator,
    n: int,
    palette: Sequence[str],
    *,
    size: float,
    rings: int,
    rays: int,
    line: float,
) -> np.ndarray:
    """Overlapping fans (seigaiha, deco): arcs and rays by hand, no two fans the same.

    The palette gives line, then fills. The fans grow and shrink across the sheet.
    """
    inks = [ink(c) for c in colours(palette)]
    picture = blank(n, colours(palette)[1])
    draw = ImageDraw.Draw(picture)
    shape = 1 + 0.22 * noise(rng, n, 2.2)
    tone = equalise(noise(rng, n, 3))
    row, y = 0, -0.1 * n
    while y < 1.25 * n:
        x = -size * n * (1 + 0.5 * (row % 2)) + rng.normal(0, 0.03) * size * n
        while x < n * (1 + size):
            # Where the noise goes deepest, fans still have a size: the row has to end.
            scale = max(0.3, float(at(shape, [(x, y)])[0])) * rng.uniform(0.93, 1.1)
            r = size * n * scale * 0.62
            cx, cy = x, y + rng.normal(0, 0.05) * r
            local = float(at(tone, [(x, y)])[0]) + rng.normal(0, 0.18)
            base = int(np.clip(local, 0, 0.999) * (len(inks) - 1))
            fan(rng, draw, (cx, cy), r, base, inks, rings, rays, line * n)
            x += 2 * r * 0.97
        y += size * n * 0.34
        row += 1
    rgb = wobble(rng, wobble(rng, pixels(picture), 0.011, 3.5), 0.0014, 45)
    brush = fbm(rng, n, 26, 3, 0.6, 9)
    rgb = rgb * (1 + 0.055 * brush + 0.06 * fbm(rng, n, 4, 3))[..., None]
    bright = rgb.mean(-1)
    tooth = paper(rng, n, 180)
    return relief(rgb, 0.5 * tooth + 5 * blur(bright, 0.001 * n), 0.16, 0.1)


def fan(
    rng: np.random.Generator,
    draw: ImageDraw.ImageDraw,
    centre: Any,
    r: float,
    base: float,
    inks: Any,
    rings: int,
    rays: int,
    line: float,
) -> None:
    """One fan: rings from the rim inwards, then rays or leaves in one of the rings."""
    count = rings + rng.integers(-1, 2)
    lean = rng.normal(0, 0.06)
    radii = r * (np.linspace(1, 0, count + 1)[:-1] + rng.normal(0, 0.015, count))
    fills = inks[1:]
    theta = np.linspace(0, 2 * np.pi, 60)
    circle = np.stack([np.cos(theta), np.sin(theta) * rng.uniform(0.94, 1.05)], -1)
    for k, radius in enumerate(radii):
        outline = circle * radius + centre
        fill = fills[(base + k * (1 + base % 2)) % len(fills)]
        draw.polygon(polygon(outline), fill=fill)
        width = line * (1.5 if k == 0 else rng.uniform(0.5, 1.1))
        draw.polygon(
            ribbon(outline, width * (1 + 0.3 * np.sin(theta * 2 + lean * 20))), fill=inks[0]
        )
    spoke = int(rng.integers(0, max(int(count) - 1, 1)))
    outer = radii[spoke]
    inner = radii[spoke + 1] if spoke + 1 < count else 0.1 * r
    tint = fills[(base + 2 + spoke) % len(fills)]
    kind = rng.integers(3)
    for a in np.linspace(0, 2 * np.pi, rays * 2) + lean:
        heading = np.array([np.cos(a), np.sin(a)])
        path = centre + heading * np.linspace(inner, outer, 8)[:, None]
        if kind == 0:
            draw.polygon(ribbon(path, line * np.linspace(0.4, 1.1, 8)), fill=inks[0])
        elif kind == 1:
            wide = (outer * np.pi / rays) * 0.75 * np.sin(np.pi * np.linspace(0.03, 0.97, 8))
            draw.polygon(ribbon(path, wide), fill=tint)
        else:
            x, y = centre + heading * (inner + outer) / 2
            d = (outer - inner) * 0.26
            draw.ellipse((x - d, y - d, x + d, y + d), fill=tint)


def azulejo(
    rng: np.random.Generator, n: int, palette: Sequence[str], *, tiles: float, bend: float
) -> np.ndarray:
    """Painted tin-glaze tiles of mixed sizes and motifs, blue over white with one warm accent.

    The palette gives glaze, pale wash, mid blue, deep blue and the accent.
    """
    x, y = grid(n)
    x = tiles * (x / n + bend * noise(rng, n, 2)) + 0.04 * noise(rng, n, 3 * tiles)
    y = tiles * (y / n + bend * noise(rng, n, 2)) + 0.04 * noise(rng, n, 3 * tiles)
    c, s = np.cos(0.16), np.sin(0.16)
    x, y = x * c - y * s + 40, x * s + y * c + 40
    dice = rng.random((4, 331))

    def roll(k: Any, col: Any, row: Any, level: Any) -> np.ndarray:
        return dice[k, (col * 57 + row * 131 + level * 17) % 331]

    col, row = np.floor(x / 2).astype(int), np.floor(y / 2).astype(int)
    scale = np.where(roll(0, col, row, 0) < 0.3, 2.0, 1.0)
    col1, row1 = np.floor(x).astype(int), np.floor(y).astype(int)
    scale = np.where((scale == 1) & (roll(1, col1, row1, 1) < 0.34), 0.5, scale)
    level = (scale * 2).astype(int)
    col, row = np.floor(x / scale).astype(int), np.floor(y / scale).astype(int)
    u, v = x / scale - col, y / scale - row
    flip = roll(2, col, row, level) < 0.5
    u = np.where(flip, 1 - u, u)
    motif = (roll(3, col, row, level) * 4).astype(int)
    near, far = np.hypot(u, v), np.hypot(1 - u, 1 - v)
    a, b = u - 0.5, v - 0.5
    polar, r = np.arctan2(b, a), np.hypot(a, b)
    arcs = np.minimum(np.abs(near - 0.5), np.abs(far - 0.5)) - 0.15
    petals = r - 0.15 - 0.33 * np.abs(np.cos(2 * polar)) ** 0.8
    leaf = np.maximum(near, far) - 0.93 + 0.035 * np.cos(22 * (u - v))
    rosette = np.abs(r - 0.36 - 0.06 * np.cos(8 * polar)) - 0.08
    shape = np.choose(motif, [arcs, petals, leaf, rosette]) * scale
    core = np.choose(motif, [arcs + 0.09, r - 0.13, np.abs(u - v) - 0.03 + 0.4 * r, r - 0.16])
    core = core * scale
    corner = np.minimum(np.minimum(near, far), np.minimum(np.hypot(1 - u, v), np.hypot(u, 1 - v)))
    tip = (np.abs(corner - 0.16) - 0.035) * scale
    glaze, pale, mid, deep, accent = colours(palette)
    soft = 0.018 + 0.006 * noise(rng, n, 40)
    wash = np.clip(0.78 + 0.24 * fbm(rng, n, 22, 3, 0.6, 8) + 0.12 * fbm(rng, n, 5, 2), 0.2, 1.15)
    inside = smoothstep(soft, -soft, shape)
    rgb = np.broadcast_to(glaze, (n, n, 3)) * (1 + 0.025 * fbm(rng, n, 9, 3))[..., None]
    rgb = blend(rgb, pale, 0.7 * smoothstep(0.16, 0.0, shape) * wash)
    fill = blend(np.broadcast_to(mid, (n, n, 3)), deep, np.clip(1.5 * wash - 0.7, 0, 1))
    rgb = blend(rgb, fill, inside * np.clip(wash, 0, 1))
    rgb = blend(rgb, accent, 0.92 * smoothstep(soft, -soft, core) * (motif != 0))
    rgb = blend(rgb, glaze, 0.85 * smoothstep(soft, -soft, core) * (motif == 0))
    rgb = blend(rgb, mid, 0.9 * smoothstep(soft, -soft, tip) * wash)
    line = np.exp(-((shape / (0.02 + 0.007 * noise(rng, n, 30))) ** 2))
    rgb = blend(rgb, deep, 0.9 * line)
    seam = np.minimum(np.minimum(u, 1 - u), np.minimum(v, 1 - v)) * scale
    chip = 0.012 + 0.012 * np.clip(noise(rng, n, 30), 0, 3)
    gap = smoothstep(chip + 0.014, chip, seam)
    rgb = blend(rgb, glaze * (0.58 + 0.05 * noise(rng, n, 120))[..., None], 0.8 * gap)
    crack = cells(scatter(rng, n, 0.045 * n), n, 0.11 * n)[2] + 0.7 * noise(rng, n, 60)
    rgb = rgb * (1 - 0.16 * smoothstep(1.7 * n / 1024, 0.4, crack))[..., None]
    dome = smoothstep(0, 0.14, seam) + 0.12 * fbm(rng, n, 14, 2)
    return relief(rgb, 6 * dome - 1.5 * inside * wash, 0.4, 0.16)
