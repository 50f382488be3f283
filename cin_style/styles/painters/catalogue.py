"""The thirty-two styles: which family paints each, in which palette and at which scale."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cin_style.styles.painters.built import azulejo, fans, glass, mosaic
from cin_style.styles.painters.drawn import chalk, contours, hatching, linocut, marbling, woodblock
from cin_style.styles.painters.painted import dabs, knife, oil_flow, points, watercolour
from cin_style.styles.painters.pieced import collage, embroidery, shards


@dataclass(frozen=True)
class Style:
    """One style image: its painter with everything that the painter needs."""

    name: str
    title: str
    family: Callable
    seed: int
    palette: tuple[str, ...]
    params: dict[str, Any] = field(default_factory=dict)
    oversample: int = 2


def hexes(codes: str) -> tuple[str, ...]:
    """A palette written as one string of six-digit colours."""
    return tuple(f"#{code}" for code in codes.split())


CATALOGUE = (
    Style(
        "flow_of_cobalt",
        "Flow of Cobalt",
        oil_flow,
        1,
        hexes("0b1a3f 123a7a 2463b0 5fa0cf b9d6d8 f3c63f"),
        dict(width=0.0185, heading=0.2, swirls=6, radius=0.15, spread=0.7, accent=0.22),
    ),
    Style(
        "wheat_under_wind",
        "Wheat under Wind",
        oil_flow,
        12,
        hexes("4a2f1c 8f5a20 cf9328 e8bf4c f6e5a8 3f8fa0"),
        dict(width=0.024, heading=-0.9, swirls=2, radius=0.22, spread=0.55, accent=0.2),
    ),
    Style(
        "cypress_and_ember",
        "Cypress and Ember",
        oil_flow,
        23,
        hexes("10211c 1f4a35 3f7a45 8fa548 d8cf86 e2602b"),
        dict(width=0.027, heading=1.3, swirls=9, radius=0.1, spread=0.9, accent=0.2, bands=4.0),
    ),
    Style(
        "knife_of_autumn",
        "Knife of Autumn",
        knife,
        2,
        hexes("2b1a1c 7a2a1e c2541f e39b32 efd9a8 3f6f78"),
        dict(blade=0.06, headings=(0.3, 1.2, -0.6), tumble=0.35, accent=0.07),
    ),
    Style(
        "knife_of_glacier",
        "Knife of Glacier",
        knife,
        33,
        hexes("122a3c 2d5f7c 6fa3b5 b9d3d4 f3f2ea e0795a"),
        dict(blade=0.1, headings=(0.05, 1.5, 0.1), tumble=0.16, accent=0.06),
    ),
    Style(
        "sunday_points",
        "Sunday in Points",
        points,
        3,
        hexes("27305e 2f6a6a 6f9a4a d9c25a f4e9c4"),
        dict(
            dot=0.0195,
            cells_across=2.6,
            stretch=1.7,
            contrast=0.11,
            shade=hexes("e0703a c4426a 7a4aa0 2f5fae"),
        ),
    ),
    Style(
        "lagoon_confetti",
        "Lagoon Confetti",
        points,
        44,
        hexes("3a1f4f 23508f 2f9aa8 e58f7f fbe3c0"),
        dict(
            dot=0.027,
            cells_across=3.2,
            stretch=0.8,
            contrast=0.1,
            shade=hexes("f2b632 e2553f 6fc0b0 20306a"),
        ),
    ),
    Style(
        "lily_pond_dabs",
        "Lily Pond in Dabs",
        dabs,
        4,
        hexes("16323a 2c5f5c 4d8a74 6f92b8 b3b9dd e9dfe6"),
        dict(
            size=0.017,
            heading=0.0,
            sway=0.15,
            stretch=3.0,
            slim=3.4,
            blooms=hexes("f2a7b5 fbe9dc d65f7f"),
            bloom_share=0.16,
        ),
    ),
    Style(
        "orchard_at_noon",
        "Orchard at Noon",
        dabs,
        55,
        hexes("2a2f5a 3f6a4f 6f9a4a b5b85a e8d9a0 f6efdc"),
        dict(
            size=0.026,
            heading=0.9,
            sway=0.8,
            stretch=0.8,
            slim=2.2,
            blooms=hexes("e8542f f5b23a f7d7c8 8a5fb5"),
            bloom_share=0.2,
        ),
    ),
    Style(
        "watercolour_iris",
        "Watercolour Iris",
        watercolour,
        5,
        hexes("2a3f8f 5a4aa0 8a5fb0 3f7f9a d9a441"),
        dict(washes=80, size=0.1, lean=-0.6, wet=1.5),
    ),
    Style(
        "watercolour_reef",
        "Watercolour Reef",
        watercolour,
        66,
        hexes("1f6f7f 4fa8a0 e8704f f0a85f b8304f"),
        dict(washes=210, size=0.045, lean=1.2, wet=0.55, ground="#f5f0e6"),
    ),
    Style(
        "charcoal_storm",
        "Charcoal Storm",
        chalk,
        1,
        hexes("b3a489 1f1d1d 4a4038 f4ecdc"),
        dict(folds=3.2, stick=0.009, stroke=0.1, smear=0.01),
    ),
    Style(
        "sanguine_study",
        "Sanguine Study",
        chalk,
        77,
        hexes("e3cfae 7a2a1c b4583a fbf3e2"),
        dict(folds=2.2, stick=0.012, stroke=0.11, smear=0.02),
    ),
    Style(
        "pen_crosshatch",
        "Pen Cross-hatch",
        hatching,
        2,
        hexes("efe3c8 b79a6c 241a16"),
        dict(
            folds=3.0,
            spacing=0.0125,
            angles=(0.75, -0.5, 1.6, 0.15),
            bulge=0.03,
            sway=0.0022,
            lift=0.15,
            wash=0.4,
        ),
    ),
    Style(
        "indigo_engraving",
        "Indigo Engraving",
        hatching,
        88,
        hexes("f1ead8 9fb6c4 1d2b57"),
        dict(
            folds=2.4,
            spacing=0.0105,
            angles=(0.2, 1.15, -0.6),
            bulge=0.16,
            sway=0.0008,
            lift=-0.2,
            wash=0.3,
        ),
    ),
    Style(
        "woodblock_swell",
        "Woodblock Swell",
        woodblock,
        3,
        hexes("f0e6cd 1f3f73 3f78a8 8fb9c4 16233f"),
        dict(wave=0.26, line=0.0035),
        3,
    ),
    Style(
        "woodblock_dusk",
        "Woodblock Dusk",
        woodblock,
        99,
        hexes("f3dcb6 a8382c d9763f e8b06a 6f7f8a 2a1a22"),
        dict(wave=0.2, line=0.0032),
        3,
    ),
    Style(
        "linocut_poppies",
        "Linocut Poppies",
        linocut,
        4,
        hexes("f3ead6 15161a c8321f"),
        dict(leaf=0.17, spots=0.3, gouge=0.02),
        3,
    ),
    Style(
        "acid_contours",
        "Acid Contours",
        contours,
        5,
        hexes("1a0f2e ff3d7f ffb400 00c2a8 5b2be0 fff0c2 ff6a1f"),
        dict(rings=4.6, hills=2.8, jog=0.001),
    ),
    Style(
        "marbled_peacock",
        "Marbled Peacock",
        marbling,
        6,
        hexes("f2e6cb 1f3a5f a8322d d9a23a 2f6f68"),
        dict(
            drops=800,
            size=0.034,
            swirl=0.012,
            combs=((1.57, 6, 0.12, True), (0.0, 15, 0.1, False)),
        ),
        3,
    ),
    Style(
        "marbled_stone",
        "Marbled Stone",
        marbling,
        111,
        hexes("ead9c4 2b2a33 7a3f4f b98a5a 5f7a86"),
        dict(drops=900, size=0.027, swirl=0.05, combs=((0.7, 2, 0.16, True),)),
        3,
    ),
    Style(
        "stained_glass_rose",
        "Stained Glass, Rose",
        glass,
        1,
        hexes("7a1230 c22b4a e9803f f3c75a 3c7fa8 1f3f86 17151a"),
        dict(pane=0.13, stretch=1.2, lead=0.0055, spread=0.8, paint=0.35),
    ),
    Style(
        "stained_glass_wisteria",
        "Stained Glass, Wisteria",
        glass,
        122,
        hexes("173a3f 2f7a5f 8fb56a e3dfae 8f8fd0 4a3f95 2a2420"),
        dict(pane=0.1, stretch=2.1, lead=0.0035, spread=0.6, paint=0.0),
    ),
    Style(
        "mosaic_byzantine",
        "Byzantine Mosaic",
        mosaic,
        133,
        hexes("b8a98c 14325c 2f6f7f 8f2f35 e2d7bd 3f5f4a d8a531"),
        dict(tile=0.025, cells_across=2.6, bands=9, grout=0.14, gold=0.16),
    ),
    Style(
        "mosaic_aegean",
        "Aegean Mosaic",
        mosaic,
        2,
        hexes("e4dcc8 123f6b 2f86b5 7fc4c4 f3ead2 e2764a d7b15a"),
        dict(tile=0.031, cells_across=2.0, bands=7, grout=0.17, gold=0.1),
    ),
    Style(
        "deco_fans",
        "Deco Fans",
        fans,
        3,
        hexes("c99a3c 0f2b36 17525a e8dcc0 10161d b5543c"),
        dict(size=0.18, rings=5, rays=11, line=0.0045),
        3,
    ),
    Style(
        "koi_scales",
        "Koi Scales",
        fans,
        144,
        hexes("3a1420 e8e0cf d9482b f09a4a 7fb0a8 2f4a6b"),
        dict(size=0.23, rings=4, rays=9, line=0.005),
        3,
    ),
    Style(
        "azulejo_patchwork",
        "Azulejo Patchwork",
        azulejo,
        4,
        hexes("f1ecdd a9c4dc 3f74b5 16316f e0a32e"),
        dict(tiles=6.5, bend=0.012),
    ),
    Style(
        "cubist_ochre",
        "Cubist Ochre",
        shards,
        5,
        hexes("241c1a 5a3d28 3f5257 a87b43 7f8a80 cfa765 e9dcbc 15110f"),
        dict(facet=0.085, brush=0.019, contour=0.0016, arcs=3, outline=0.9, veil=0.42),
    ),
    Style(
        "orphic_discs",
        "Orphic Discs",
        shards,
        6,
        hexes("1f3c88 3f8f5a e2b62f d9502f 8f3f8f f0e4c9 1a1a2a"),
        dict(facet=0.07, brush=0.016, contour=0.001, arcs=7, outline=0.3, veil=0.25),
    ),
    Style(
        "torn_paper",
        "Torn Paper",
        collage,
        7,
        hexes("23201f e9dcc0 c8442d 27506b e0ab3c 7d9a86 2c2a2c"),
        dict(scrap=0.17, layers=3),
    ),
    Style(
        "embroidered_meadow",
        "Embroidered Meadow",
        embroidery,
        8,
        hexes("1f3a34 4f7f5a c9d8a8 b5304a e58a8f f2e2c4 d9a63c"),
        dict(thread=0.0105, stitch=0.07, bands=11, gold=0.5),
    ),
)
