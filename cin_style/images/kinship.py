"""Which things in photos are alike: a small table of what segmentation networks know by name."""

from collections.abc import Sequence

import numpy as np

# Names of the classes of ADE20K's scene parsing benchmark (Zhou et al. 2017), shortened.
ADE20K = (
    "wall,building,sky,floor,tree,ceiling,road,bed,window,grass,cabinet,sidewalk,person,earth,"
    "door,table,mountain,plant,curtain,chair,car,water,painting,sofa,shelf,house,sea,mirror,rug,"
    "field,armchair,seat,fence,desk,rock,wardrobe,lamp,bathtub,railing,cushion,base,box,column,"
    "signboard,chest of drawers,counter,sand,sink,skyscraper,fireplace,refrigerator,grandstand,"
    "path,stairs,runway,case,pool table,pillow,screen door,stairway,river,bridge,bookcase,blind,"
    "coffee table,toilet,flower,book,hill,bench,countertop,stove,palm,kitchen island,computer,"
    "swivel chair,boat,bar,arcade machine,hovel,bus,towel,light,truck,tower,chandelier,awning,"
    "streetlight,booth,television,airplane,dirt track,apparel,pole,land,bannister,escalator,"
    "ottoman,bottle,buffet,poster,stage,van,ship,fountain,conveyer belt,canopy,washer,plaything,"
    "swimming pool,stool,barrel,basket,waterfall,tent,bag,minibike,cradle,oven,ball,food,step,"
    "tank,trade name,microwave,pot,animal,bicycle,lake,dishwasher,screen,blanket,sculpture,hood,"
    "sconce,vase,traffic light,tray,ashcan,fan,pier,crt screen,plate,monitor,bulletin board,"
    "shower,radiator,glass,clock,flag"
).split(",")

# Those of PASCAL VOC, and of Cityscapes.
VOC = (
    "background,airplane,bicycle,bird,boat,bottle,bus,car,cat,chair,cow,table,dog,horse,motorcycle,"
    "person,plant,sheep,sofa,train,monitor"
).split(",")
CITYSCAPES = (
    "road,sidewalk,building,wall,fence,pole,traffic light,signboard,plant,earth,sky,person,rider,"
    "car,truck,bus,train,motorcycle,bicycle"
).split(",")

# Things that light falls on alike: one segment where both photos together show several of them.
GROUPS = {
    "sky": "sky",
    "water": "water,sea,river,lake,waterfall,swimming pool,fountain",
    "plants": "tree,plant,palm,grass,field,flower",
    "ground": "earth,sand,road,sidewalk,path,dirt track,land,runway,pier,snow",
    "mountains": "mountain,hill,rock",
    "buildings": "building,house,skyscraper,tower,hovel,grandstand,bridge,booth,canopy,awning",
    "vehicles": "car,bus,truck,van,train,motorcycle,minibike,bicycle,airplane,boat,ship",
    "people": "person,rider,apparel",
    "animals": "animal,bird,cat,cow,dog,horse,sheep",
    "rooms": "wall,ceiling,door,column,curtain,blind,screen door,window,fireplace",
    "floors": "floor,rug,stairs,stairway,step,stage",
    "furniture": (
        "bed,cabinet,table,chair,sofa,shelf,armchair,seat,desk,wardrobe,cushion,chest of drawers,"
        "counter,pillow,bookcase,coffee table,bench,countertop,kitchen island,swivel chair,ottoman,"
        "buffet,stool"
    ),
    "lights": "lamp,light,chandelier,streetlight,sconce,traffic light",
}

# How alike two groups are; what is not named is not alike.
KIN = {
    ("sky", "water"): 0.4,
    ("sky", "mountains"): 0.2,
    ("water", "ground"): 0.3,
    ("plants", "ground"): 0.5,
    ("plants", "mountains"): 0.6,
    ("ground", "mountains"): 0.6,
    ("ground", "floors"): 0.7,
    ("buildings", "rooms"): 0.7,
    ("buildings", "mountains"): 0.3,
    ("buildings", "vehicles"): 0.3,
    ("buildings", "ground"): 0.3,
    ("people", "animals"): 0.6,
    ("rooms", "floors"): 0.5,
    ("rooms", "furniture"): 0.4,
    ("floors", "furniture"): 0.4,
    ("sky", "rooms"): 0.2,
    ("vehicles", "furniture"): 0.2,
}

# From here on things become one segment.
SAME = 0.8

_GROUP_OF = {name: group for group, names in GROUPS.items() for name in names.split(",")}


def similarity(names: Sequence[str]) -> np.ndarray:
    """How alike things are, by name.

    Returns:
        float (count, count), symmetric: 1 for the same, 0.9 for those of one group, less for those
        of related ones, 0.1 where nothing is known.

    Example:
        >>> similarity(["sea", "lake", "sky", "clock"])[0].tolist()
        [1.0, 0.9, 0.4, 0.1]
    """
    found = np.full((len(names), len(names)), 0.1)
    groups = [_GROUP_OF.get(name, "") for name in names]
    for i, j in np.ndindex(found.shape):
        pair = groups[i], groups[j]
        if names[i] == names[j]:
            found[i, j] = 1.0
        elif pair[0] and pair[0] == pair[1]:
            found[i, j] = 0.9
        else:
            found[i, j] = KIN.get(pair) or KIN.get(pair[::-1]) or 0.1
    return found


def components(names: Sequence[str]) -> np.ndarray:
    """Which things become one segment (Penhouet and Sanzenbacher 2019, section 3.2).

    Those that are linked by similarities of at least `SAME`, at once or through others.

    Returns:
        int (count,): the number of each thing's component.

    Example:
        >>> components(["sea", "sky", "lake"]).tolist()
        [0, 1, 0]
    """
    from scipy.sparse.csgraph import connected_components

    return connected_components(similarity(names) >= SAME, directed=False)[1]
