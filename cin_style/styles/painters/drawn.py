"""Families that are drawn or printed: charcoal, pen, woodblock, linocut, poster, marbling."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import ImageDraw

from cin_style.styles.painters.strokes import bristles, deposit, sweep, trace
from cin_style.styles.painters.tools import (
    at,
    bezier,
    blank,
    blend,
    blur,
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
    ramp,
    relief,
    ribbon,
    scatter,
    smoothstep,
    vary,
    wobble,
)


def drapery(rng: np.random.Generator, n: int, folds: int, stretch: float = 1.0) -> Any:
    """A field of light on folded cloth, even over [0, 1], to be shaded in line or chalk."""
    height = fbm(rng, n, folds, 3, 0.42, folds * stretch)
    height = np.abs(height + 0.25) ** 0.8 + 0.5 * np.abs(fbm(rng, n, folds * 1.7, 2))
    gy, gx = np.gradient(height * n / folds)
    return equalise(0.8 * height - np.tanh(0.9 * (gx * 0.6 + gy))), np.arctan2(gx, -gy)


def chalk(
    rng: np.random.Generator,
    n: int,
    palette: Sequence[str],
    *,
    folds: int,
    stick: float,
    stroke: float,
    smear: float,
) -> np.ndarray:
    """Charcoal or chalk on toned paper: smudged masses, strokes that skip on the tooth.

    The palette gives paper, dark, second dark and the white that lifts the lights.
    """
    tone, turn = drapery(rng, n, folds)
    tooth = paper(rng, n, 170)
    sheet, dark, warm, white = colours(palette)
    heading = 0.9 + 0.35 * noise(rng, n, 2)
    smudge = blur(np.clip(0.72 - tone, 0, 1), smear * n)
    smudge = np.clip(smudge + 0.06 * fbm(rng, n, 12, 4) * smudge * 4, 0, 1)
    rgb = np.broadcast_to(sheet, (n, n, 3)) * (1 + 0.025 * tooth[..., None])
    rgb = blend(rgb, dark, 0.95 * smudge * np.clip(0.85 + 0.14 * tooth, 0, 1))
    grain = bristles(rng, 40, 200)
    for pigment, low, high, width, amount in (
        (dark, 0.55, 0.1, 2.6, 0.3),
        (warm, 0.85, 0.4, 1.0, 0.3),
        (dark, 0.45, 0.1, 0.5, 0.7),
        (white, 0.7, 0.95, 1.2, 0.5),
    ):
        starts = scatter(rng, n, stick * n * 1.9)
        need = smoothstep(low, high, at(tone, starts)) * rng.uniform(0.5, 1.2, len(starts))
        starts, need = starts[need > 0.18], need[need > 0.18]
        along = np.where(rng.random(len(starts)) < 0.15, at(turn, starts), at(heading, starts))
        angle = along + rng.normal(0, 0.09, len(starts))
        length = stroke * n * rng.uniform(0.4, 1.2, len(starts))
        paths = sweep(starts, angle, length, rng.normal(0, 0.12, len(starts)))
        laid = deposit(rng, n, paths, stick * n * width, need * amount, sheet=grain)
        cover = smoothstep(0.12, 0.62, laid + 0.2 * tooth * np.clip(3 * laid, 0, 1))
        rgb = blend(rgb, pigment, 0.86 * cover)
    return relief(rgb, 0.6 * tooth, 0.12)


def hatching(
    rng: np.random.Generator,
    n: int,
    palette: Sequence[str],
    *,
    folds: int,
    spacing: float,
    angles: Any,
    bulge: float,
    sway: float,
    lift: float,
    wash: float,
) -> np.ndarray:
    """Pen or burin: parallel lines that swell in the dark, crossed again wherever it is darker.

    Each layer has an angle of its own; `bulge` bends its lines over the form, `sway` is the
    unsteadiness of the hand and `lift` how often the pen leaves the paper. The palette gives
    paper, wash and ink.
    """
    tone, _ = drapery(rng, n, folds)
    sheet, tint, black = colours(palette)
    form = blur(tone, 0.035 * n)
    tooth = paper(rng, n, 160)
    x, y = grid(n)
    line = np.zeros((n, n), np.float32)
    for k, angle in enumerate(angles):
        limit = 0.93 - 0.8 * k / len(angles)
        across = (y * np.cos(angle) - x * np.sin(angle)) / n
        along = (x * np.cos(angle) + y * np.sin(angle)) / n
        phase = (across + bulge * form + sway * fbm(rng, n, 7, 3)) / (spacing * (1 + 0.15 * k))
        row = np.floor(phase).astype(int)
        hand = rng.normal(0, 1, (4, 4096))[:, row % 4096]
        centre = 0.5 + 0.13 * hand[0]
        dark = np.clip((limit - tone + 0.05 * hand[1]) * 2.2, 0, 1)
        stroke = np.sin(along * (18 + 4 * hand[2]) + 9 * hand[3])
        rest = smoothstep(-1.0, -0.75, stroke - lift + 0.4 * dark)
        press = dark**0.7 * rest * (0.9 + 0.14 * noise(rng, n, 60))
        width = spacing * n * (0.04 + 0.25 * press) * smoothstep(0.0, 0.08, press)
        slope = np.hypot(*np.gradient(phase)) + 1e-4
        gap = np.abs(phase - row - centre) / np.maximum(slope, 0.5 / (spacing * n))
        line = np.maximum(line, smoothstep(width + 1, width - 1, gap) * (width > 0.4))
    line = smoothstep(0.3, 0.7, blur(line, 0.0008 * n) + 0.06 * tooth)
    pool = smoothstep(0.05, 0.7, tone + 0.08 * fbm(rng, n, 14, 4))
    edge = np.exp(-(((pool - 0.55) / 0.12) ** 2))
    rgb = np.broadcast_to(sheet, (n, n, 3)) * (1 + 0.03 * fbm(rng, n, 5, 4)[..., None])
    rgb = blend(rgb, tint, wash * np.clip((1 - pool) * (0.8 + 0.1 * tooth) + 0.2 * edge, 0, 1))
    rgb = blend(rgb, black, line * np.clip(0.92 + 0.03 * tooth, 0, 1))
    return relief(rgb, 0.5 * tooth, 0.1)


def surge(
    rng: np.random.Generator,
    draw: ImageDraw.ImageDraw,
    left: float,
    base: float,
    size: float,
    flip: float,
    inks: Any,
    width: float,
) -> None:
    """One curling wave: a body of stripes between its back and its hollow, and its foam."""

    def place(points: Any) -> np.ndarray:
        points = np.asarray(points, float) * (flip, -1) * size
        return points + (left, base)

    tip = np.array([1.0, 0.6]) + rng.normal(0, 0.04, 2)
    back = bezier([(-1.0, -1.0), (0.15, 0.05), (0.3, 1.25 + rng.normal(0, 0.06)), tip])
    hollow = bezier([(2.8, -1.0), (0.95, -0.15), (0.42, 0.8), tip])
    paper_ink, *blues, line = inks
    lanes = rng.integers(5, 8)
    order = rng.integers(len(blues))
    for k in range(lanes):
        near, far = (back * (1 - t) + hollow * t for t in (k / lanes, (k + 1) / lanes))
        body = place(np.concatenate([near, far[::-1]]))
        fill = paper_ink if (k + order) % 4 == 1 else blues[(k + order) % len(blues)]
        draw.polygon(polygon(body), fill=fill)
        middle = place((near + far)[rng.integers(4, 14) : 34] / 2)
        draw.polygon(ribbon(middle, width * 0.55), fill=line)
        taper = width * np.linspace(1.1, 0.35, 40) * rng.uniform(0.6, 1.0)
        draw.polygon(ribbon(place(near), taper), fill=line)
    draw.polygon(ribbon(place(back), width * 1.7), fill=line)
    draw.polygon(ribbon(place(hollow), width * np.linspace(0.8, 1.7, 40)), fill=line)
    lip = np.concatenate([back[20:], hollow[:16:-1]])
    spots = lip[rng.permutation(len(lip))]
    radius = rng.uniform(0.028, 0.075, len(spots))
    centres = place(spots + rng.normal(0, 0.022, spots.shape))
    for grow, fill in ((width * 0.75, line), (0, paper_ink)):
        for (x, y), r in zip(centres, radius * size + grow, strict=True):
            draw.ellipse((x - r, y - r, x + r, y + r), fill=fill)
    claws = hollow[18::3] + (0.02, 0.0)
    for claw in claws:
        hook = claw + np.array([(0, 0), (0.07, 0.0), (0.13, -0.06), (0.1, -0.15)])
        hook = hook + rng.normal(0, 0.012, hook.shape)
        path = place(bezier(hook, 14))
        thick = size * 0.05 * np.linspace(1, 0.12, 14)
        draw.polygon(ribbon(path, thick + 1.6 * width), fill=line)
        draw.polygon(ribbon(path, thick), fill=paper_ink)
    spray = place(tip + rng.normal(0, 0.16, (14, 2)) + (0.12, 0.1))
    for (x, y), r in zip(spray, rng.uniform(0.006, 0.018, 14) * size, strict=True):
        draw.ellipse((x - r, y - r, x + r, y + r), fill=paper_ink, outline=line)


def woodblock(
    rng: np.random.Generator, n: int, palette: Sequence[str], *, wave: float, line: float
) -> np.ndarray:
    """A sea of curling waves as cut for an ukiyo-e print: flat inks, swelling keyline, grain.

    The palette gives paper, the inks of the water and the key ink.
    """
    inks = [ink(c) for c in colours(palette)]
    picture = blank(n, colours(palette)[2])
    draw = ImageDraw.Draw(picture)
    base = 0.02 * n
    while base < n * (1.15 + wave):
        row = wave * n * rng.uniform(0.85, 1.15)
        flip = 1 if rng.random() < 0.72 else -1
        lefts = np.arange(-row * 1.5, n + row * 1.5, row * 1.05)
        for left in rng.permutation(lefts + rng.uniform(-0.4, 0.4, len(lefts)) * row):
            size = row * rng.uniform(0.6, 1.15)
            surge(rng, draw, left, base + row * rng.normal(0, 0.13), size, flip, inks, line * n)
        base += row * 0.44
    rgb = wobble(rng, pixels(picture), 0.0018, 22)
    grain = fbm(rng, n, 1.5, 3, 0.6, 70) + 0.4 * np.sin(30 * fbm(rng, n, 0.8, 2, 0.5, 5))
    baren = fbm(rng, n, 30, 3)
    worn = 1 + 0.045 * grain + 0.03 * baren
    fade = smoothstep(-1.6, 1.8, fbm(rng, n, 2, 2))
    rgb = blend(rgb * worn[..., None], colours(palette)[0], 0.2 * fade)
    missed = smoothstep(1.75, 2.4, 0.8 * noise(rng, n, 200) + 0.6 * grain)
    rgb = blend(rgb, colours(palette)[0], 0.5 * missed)
    return relief(rgb, 0.9 * paper(rng, n, 140), 0.07)


def sprig(
    rng: np.random.Generator,
    draw: ImageDraw.ImageDraw,
    path: np.ndarray,
    size: float,
    black: Any,
    white: Any,
    gap: float,
) -> None:
    """A stem with leaves on both sides, cut white-line: a light halo, a dark leaf, its veins."""
    tangent = np.gradient(path, axis=0)
    heading = np.arctan2(tangent[:, 1], tangent[:, 0])
    leaves = []
    for i in np.arange(4, len(path) - 1, max(len(path) // 9, 1)):
        for side in (-1, 1):
            angle = heading[i] + side * rng.uniform(0.6, 0.95)
            long = size * rng.uniform(0.75, 1.1) * (1.15 - 0.6 * i / len(path))
            bow = side * rng.uniform(0.05, 0.25)
            spine = bezier([(0, 0), (0.35, bow), (0.7, bow), (1, 0)], 24) * long
            turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
            leaves.append((path[i] + spine @ turn, long))
    shape = np.sin(np.pi * np.linspace(0, 1, 24) ** 0.8) ** 0.8
    draw.polygon(ribbon(path, size * 0.1 + 2.6 * gap), fill=white)
    for spine, long in leaves:
        draw.polygon(ribbon(spine, shape * long * 0.44 + 2.4 * gap), fill=white)
        draw.polygon(ribbon(spine, shape * long * 0.44), fill=black)
        draw.polygon(ribbon(spine, gap * np.linspace(1.1, 0.2, 24)), fill=white)
        ahead = np.gradient(spine, axis=0)
        across = np.stack([-ahead[:, 1], ahead[:, 0]], -1)
        across /= np.linalg.norm(across, axis=1, keepdims=True) + 1e-6
        for j in range(5, 19, 4):
            for sign in (-1, 1):
                end = spine[min(j + 4, 23)] + sign * across[j] * shape[j] * long * 0.18
                vein = spine[j] + (end - spine[j]) * np.linspace(0, 1, 6)[:, None]
                draw.polygon(ribbon(vein, gap * np.linspace(0.95, 0.15, 6)), fill=white)
    draw.polygon(ribbon(path, size * np.linspace(0.11, 0.05, len(path))), fill=black)


def linocut(
    rng: np.random.Generator,
    n: int,
    palette: Sequence[str],
    *,
    leaf: float,
    spots: float,
    gouge: float,
) -> np.ndarray:
    """A linocut of sprigs on a gouged ground, one block in black and one in a spot colour.

    The palette gives paper, black and the spot colour.
    """
    sheet, black, spot = (ink(c) for c in colours(palette))
    picture = blank(n, colours(palette)[1])
    draw = ImageDraw.Draw(picture)
    angle, _ = flow(rng, n, 3, 0.5, 1.0)
    starts = scatter(rng, n, gouge * n * 1.5)
    length = gouge * n * rng.uniform(2.2, 5.0, len(starts))
    for path in trace(angle, starts, length)[:, ::3]:
        shape = np.sin(np.pi * np.linspace(0, 1, len(path)) ** 0.7)
        draw.polygon(ribbon(path, gouge * n * 0.62 * shape), fill=sheet)
    stems, _ = flow(rng, n, 2, -0.9, 0.9)
    for path in trace(stems, scatter(rng, n, leaf * n * 1.75), leaf * n * 2.6)[:, ::6]:
        sprig(rng, draw, path, leaf * n * rng.uniform(0.8, 1.15), black, sheet, 0.0042 * n)
    for x, y in scatter(rng, n, spots * n):
        turn = rng.uniform(0, 2 * np.pi)
        size = leaf * n * rng.uniform(0.3, 0.46)
        theta = np.linspace(0, 2 * np.pi, 90)
        lobes = 1 + 0.16 * np.cos(5 * theta + turn) + 0.05 * np.cos(11 * theta)
        outline = np.stack([np.cos(theta), np.sin(theta)], -1) * lobes[:, None] * size
        for grow, fill in ((1 + 0.009 * n / size, sheet), (1, spot)):
            draw.polygon(polygon(outline * grow + (x, y)), fill=fill)
        for a in turn + np.linspace(0, 2 * np.pi, 16, endpoint=False):
            ray = np.linspace(0.34, rng.uniform(0.6, 0.85), 8)[:, None] * size
            path = (x, y) + ray * np.array([np.cos(a), np.sin(a)])
            draw.polygon(ribbon(path, 0.005 * n * np.linspace(0.3, 1, 8)), fill=sheet)
        r = size * 0.24
        draw.ellipse((x - r, y - r, x + r, y + r), fill=black)
    rgb = wobble(rng, pixels(picture), 0.0016, 40)
    tooth = paper(rng, n, 150)
    thin = smoothstep(1.5, 2.6, tooth + 0.3 * fbm(rng, n, 6, 3))
    rgb = blend(rgb, colours(palette)[0], 0.75 * thin)
    return relief(rgb * (1 + 0.015 * tooth[..., None]), 0.6 * tooth, 0.08)


def contours(
    rng: np.random.Generator, n: int, palette: Sequence[str], *, rings: int, hills: int, jog: float
) -> np.ndarray:
    """A psychedelic poster: warped rings in loud flat inks, printed a little out of register."""
    x, y = grid(n)
    field = fbm(rng, n, hills, 2, 0.35)
    for cx, cy in scatter(rng, n, 0.42 * n, 0.0):
        r = np.hypot(x - cx, y - cy) / n
        field = field + rng.choice([-1.0, 1.3]) * np.exp(-((r / rng.uniform(0.1, 0.2)) ** 2)) * 1.6
    phase = (2.4 * equalise(field) + 0.45 * field) * rings + 0.1 * fbm(rng, n, 24, 2)
    band = np.floor(phase)
    frac = phase - band
    slope = np.hypot(*np.gradient(phase)) + 1e-4
    table = colours(palette[1:])
    shuffle = rng.permutation(np.arange(400) % len(table))
    lane = shuffle[(band.astype(int) + 200) % 400]
    across = np.arctan2(*np.gradient(blur(phase, 0.004 * n)))
    beads = np.sin(across * 26 + band * 2.4) * np.sin(np.pi * frac)
    rgb = table[lane]
    beaded = (shuffle[(band.astype(int) * 7 + 31) % 400] % 3 == 0) & (slope < 34 / n)
    rgb = blend(rgb, table[(lane + 2) % len(table)], smoothstep(0.25, 0.4, beads) * beaded)
    inner = np.abs(frac - 0.5) / slope
    rgb = blend(
        rgb, table[(lane + 1) % len(table)], 0.9 * smoothstep(2.2, 1.2, inner * 1024 / n) * ~beaded
    )
    width = np.minimum((0.0022 + 0.0013 * noise(rng, n, 14)) * n, 0.17 / slope)
    key = smoothstep(width + 1, width - 1, np.minimum(frac, 1 - frac) / slope)
    key = wobble(rng, np.roll(key, (int(jog * n), -int(jog * n)), (0, 1)), 0.0012, 40)
    rgb = blend(rgb, colours(palette)[0], np.clip(key, 0, 1))
    tooth = paper(rng, n, 150)
    worn = smoothstep(1.5, 2.8, tooth + 0.4 * fbm(rng, n, 5, 4))
    rgb = blend(
        rgb * (1 + 0.03 * tooth[..., None]), np.array([0.96, 0.92, 0.82], np.float32), 0.5 * worn
    )
    return relief(rgb, 0.6 * tooth, 0.06)


def marbling(
    rng: np.random.Generator,
    n: int,
    palette: Sequence[str],
    *,
    drops: int,
    size: float,
    combs: Any,
    swirl: float,
) -> np.ndarray:
    """Marbled paper: stones of ink dropped on size, then drawn through with combs.

    Every pixel is carried back through the combs and the drops to the ink it came from.
    `combs` holds (angle, teeth, pull, alternate) in the order in which they are drawn.
    """
    x, y = grid(n)
    for angle, teeth, pull, alternate in reversed(combs):
        c, s = np.cos(angle), np.sin(angle)
        across = teeth * (y * c - x * s) / n + rng.uniform() + 0.16 * noise(rng, n, 3)
        tooth = np.rint(across)
        drag = np.exp(-6 * np.hypot(across - tooth, 0.045)) - np.exp(-3)
        turn = np.where(tooth % 2 > 0, -1, 1) if alternate else 1
        shift = pull * n * turn * drag * rng.uniform(0.75, 1.25, 997)[tooth.astype(int) % 997]
        x, y = x - shift * c, y - shift * s
    x, y = ((a + swirl * n * fbm(rng, n, 2.5, 2)).astype(np.float32).ravel() for a in (x, y))
    left = np.arange(n * n)
    tone: np.ndarray = np.full(n * n, drops, np.int32)
    edge: np.ndarray = np.ones(n * n, np.float32)
    for k in range(drops):
        cx, cy = (rng.uniform(-0.15, 1.15, 2) * n).tolist()
        radius = float(size * n * rng.lognormal(0, 0.5))
        dx, dy = x - cx, y - cy
        reach = radius * radius / (dx * dx + dy * dy + 1e-3)
        hit = reach > 1
        tone[left[hit]] = k
        edge[left[hit]] = 1 - 1 / np.sqrt(reach[hit])
        back = np.sqrt(1 - reach[~hit])
        left, x, y = left[~hit], cx + dx[~hit] * back, cy + dy[~hit] * back
    tone, edge = tone.reshape(n, n), edge.reshape(n, n)
    inks = colours(palette)
    choice = rng.integers(0, len(inks), drops + 1)
    choice[-1] = 0
    table = vary(rng, inks[choice], 0.04)
    rgb = table[tone]
    speck = noise(rng, n, 150)
    thin = np.exp(-edge / 0.05)
    rgb = rgb * (1 + 0.025 * speck - 0.16 * thin)[..., None]
    vein = ramp(np.clip(0.5 + 0.2 * fbm(rng, n, 4, 4), 0, 1), palette)
    tooth = paper(rng, n, 150)
    return relief(blend(rgb, vein, 0.05), 0.4 * tooth, 0.05)
