"""Broken files and texts, made from good ones by a seed."""

import json
import string

import numpy as np

# What stands in place of a value of a JSON file or of an argument.
VALUES = [
    *(None, True, -1, 0, 3.5, 1e308, 10**400, float("nan"), float("inf"), -float("inf")),
    *(
        "",
        " ",
        "a",
        "\ud800",
        "\x1b[31m",
        "a\nb",
        "../../a",
        "/dev/null",
        "$x",
        "é" * 300,
        "0" * 9000,
    ),
    *([], {}, [[]], {"a": None}, ["a"] * 2000),
]
ARGUMENTS = [
    *(
        "",
        " ",
        "-1",
        "0",
        "0.5",
        "1e308",
        "1" + 400 * "0",
        "nan",
        "-inf",
        "--",
        "-",
        "=",
        ",",
        "a,,b",
    ),
    *("all", "all,all", "../../a", "/dev/null", "$x", "~nobody/x", "caf\udce9", "\x1b[31m", "a\nb"),
    *("0:0.5,1:nan", "é" * 300, "1,2,3,4", "0,0,0,0", "99999999999999,0,1,1", "%s%n", "{}", "'\""),
]


def bytes_of(data, rng):
    """Bytes cut, changed, doubled, mixed or made longer."""
    data = bytearray(data)
    kind = rng.integers(8)
    place = int(rng.integers(len(data))) if data else 0
    length = int(min(len(data) - place, 2 ** rng.integers(1, 12)))
    if kind == 0:
        del data[place:]
    elif kind == 1:
        del data[place : place + length]
    elif kind == 2:
        data[place : place + length] = rng.bytes(length)
    elif kind == 3:
        data[place : place + length] = bytes(length)
    elif kind == 4:
        data[place : place + length] = b"\xff" * length
    elif kind == 5:
        data[place:place] = data[place : place + length] * int(rng.integers(1, 9))
    elif kind == 6:
        for at in rng.integers(max(1, len(data)), size=int(rng.integers(1, 20))):
            if data:
                data[at] ^= 1 << int(rng.integers(8))
    else:  # the header, where sizes stand
        for at in rng.integers(min(64, max(1, len(data))), size=int(rng.integers(1, 6))):
            if data:
                data[at] = int(rng.integers(256))
    return bytes(data)


def json_of(value, rng):
    """A JSON text of which one value, or the nesting, is another."""
    if rng.random() < 0.15:
        return bytes_of(json.dumps(value).encode(), rng)
    if rng.random() < 0.05:
        return b"[" * 300_000 + b"]" * 300_000
    value = json.loads(json.dumps(value))
    holder, key = _place(value, rng)
    other = VALUES[rng.integers(len(VALUES))]
    if holder is None:
        value = other
    elif isinstance(holder, dict) and rng.random() < 0.3:
        if rng.random() < 0.5:
            del holder[key]
        else:
            holder[str(other)[:20]] = other
    else:
        holder[key] = other
    return json.dumps(value).encode()


def _place(value, rng):
    """Some holder in a JSON value and a key of it."""
    places = [(None, None)]

    def walk(one):
        keys = one if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        for key in keys:
            places.append((one, key))
            walk(one[key])

    walk(value)
    return places[rng.integers(len(places))]


def arguments_of(arguments, options, rng):
    """A command line in which some values, names or their order are others."""
    found = list(arguments)
    for _ in range(int(rng.integers(1, 4))):
        place, kind = int(rng.integers(len(found))), rng.integers(5)
        value = ARGUMENTS[rng.integers(len(ARGUMENTS))]
        if kind == 0:
            found[place] = value
        elif kind == 1:
            found.insert(place, value)
        elif kind == 2 and len(found) > 1:
            del found[place]
        elif kind == 3:
            found.append(f"--{options[rng.integers(len(options))]}={value}")
        else:
            letters = list(string.printable)
            found[place] += "".join(rng.choice(letters, size=int(rng.integers(1, 9))))
    return found


def arrays_of(arrays, rng):
    """Arrays by name, of which one is missing, of another shape or type, or not finite."""
    found = dict(arrays)
    name = list(found)[rng.integers(len(found))]
    array, kind = np.array(found[name]), rng.integers(8)
    if kind == 0:
        del found[name]
    elif kind == 1:
        found[name] = array[..., :-1] if array.ndim and array.shape[-1] else np.zeros(3)
    elif kind == 2:
        found[name] = array[None]
    elif kind == 3:
        found[name] = array.astype(str)
    elif kind == 4 and array.dtype.kind == "f":
        found[name] = np.full_like(array, [np.nan, np.inf, 1e38][rng.integers(3)])
    elif kind == 5:
        found[name] = np.array(0.0)
    elif kind == 6:
        found[name] = array.astype(complex) if array.dtype.kind == "f" else array[:0]
    else:
        found["../" + name] = array
    return found
