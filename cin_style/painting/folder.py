"""Painting photos from files to files."""


def stylize_files(
    model,
    photos,
    style,
    output,
    *,
    sheet=None,
    file_format="png",
    quality=95,
    max_side=None,
    raw=False,
    strength=1.0,
    colours="style",
    grain=None,
):
    """Paints photos from files in one or more styles, to files.

    ICC profile and EXIF data of the photos are kept.

    Args:
        model: see `Stylizer`.
        photos: files, and folders to search.
        style: names and numbers of styles separated by commas, or `all`; or a blend such as
            `a=0.7,b=0.3`.
        output: a folder, which gets `<photo>_<style>.<file_format>` for each; or, for one
            photo in one style, a file name.
        sheet: also write a contact sheet, photos by styles, to this file
            (`sheets.style_sheet`).
        file_format: `png`, `jpg` or `webp`, of the files in a folder.
        quality: of JPEG and WebP, 1..100.
        max_side: scale photos down so that their long side has at most this many px.
        raw: keep blend weights as they are, see `blend.weights`.
        strength: see `colour.mix`.
        colours: see `colour.keep_colours`.
        grain: see `Stylizer`.

    Returns:
        The paths of the pictures written.

    Raises:
        UserError: see `images.find`, `Stylizer`; photos that can't be painted are named at
            the end, after all others have been.
    """
    if not 1 <= quality <= 100:
        raise UserError(f"--quality must be from 1 to 100. Received: {quality}")
    check_max_side(max_side)
    colour.check(strength, colours)
    paths = list(dict.fromkeys(images.find(photos)))
    stylizer = Stylizer(model, grain=grain)
    chosen = _choose(stylizer.network.styles, style, raw)
    targets = _targets(paths, list(chosen), pathlib.Path(output), file_format)

    if sheet:
        images.check_writable_format(sheet)
        writable_folder(pathlib.Path(sheet).parent)

    written, failures, rows = [], [], []
    weights, total = list(chosen.values()), len(paths) * len(chosen)
    with tqdm.tqdm(total=total, unit="picture", disable=total < 4) as bar:
        for number, (path, row) in enumerate(zip(paths, targets, strict=True), 1):
            try:
                photo = images.load(path, max_side=max_side)
                metadata = images.read_metadata(path)
                line = [_small(photo)] if sheet else []
                # Not all at once: in 32 styles a large photo's pictures would fill the memory.
                for start in range(0, len(weights), _MOST_SLOTS):
                    some = slice(start, start + _MOST_SLOTS)
                    pastiches = stylizer(photo, weights[some], raw=True)
                    for target, pastiche in zip(row[some], pastiches, strict=True):
                        kept = colour.keep_colours(photo, pastiche, colours)
                        picture = colour.mix(photo, kept, strength)
                        images.save(target, picture, quality=quality, metadata=metadata)
                        written.append(target)
                        if sheet:
                            line.append(_small(picture))
                        bar.update()
            except UserError as error:
                failures.append(str(error) if str(path) in str(error) else f"{path}: {error}")
                bar.update(number * len(weights) - bar.n)
                continue
            rows.append(line)
    if sheet and rows:
        images.save(sheet, sheets.style_sheet(rows, list(chosen)))
        written.append(pathlib.Path(sheet))
    if failures:
        done = f" (the other {len(written)} pictures are written)" if written else ""
        raise UserError("; ".join(failures) + done)
    count = "1 picture" if len(written) == 1 else f"{len(written)} pictures"
    _LOG.info("wrote %s to %s", count, output)
    return written


def check_max_side(max_side):
    """Raises a `UserError` for a limit on the long side below what the network takes."""
    if max_side is not None and max_side < SMALLEST_SIDE:
        raise UserError(f"--max_side must be at least {SMALLEST_SIDE} px. Received: {max_side}")


def _choose(styles, text, raw):
    """What `--style` asks for: a dict of names for files to rows of style weights."""
    parsed = blend.parse(text)
    if isinstance(parsed, dict):
        row = blend.weights(styles, parsed, raw)
        parts = [f"{styles[index].name}_{row[index]:.2g}" for index in np.flatnonzero(row)]
        # File names end at 255 bytes.
        return {"_".join(parts)[:120]: row}
    indices = style_sets.find_all(styles, parsed)
    return {styles[index].name: blend.weights(styles, index) for index in indices}


def _small(image):
    """Keeps sheets of many photos from filling the memory."""
    picture = Image.fromarray(images.to_uint8(image))
    picture.thumbnail((sheets.CELL, sheets.CELL))
    return np.asarray(picture)


def _targets(paths, names, output, file_format):
    """Where each photo's pastiches go, all different."""
    if output.suffix and not output.is_dir():
        images.check_writable_format(output)
        if len(paths) * len(names) != 1:
            raise UserError(
                f"--output {output} is one file, but {len(paths)} photos in {len(names)} styles "
                "are asked for. Give a folder."
            )
        writable_folder(output.parent)
        return [[output]]
    writable_folder(output)
    stems = collections.Counter(path.stem for path in paths)
    rows, taken = [], set()
    for path in paths:
        stem = path.stem
        if stems[stem] > 1:
            # Two photos of one name get their folder's name, too.
            stem = f"{path.absolute().parent.name}_{path.name.replace('.', '_')}"
        numbered = itertools.chain([stem], (f"{stem}_{number}" for number in itertools.count(2)))
        for unique in numbered:
            row = [output / f"{unique}_{name}.{file_format}" for name in names]
            if taken.isdisjoint(row):
                break
        taken.update(row)
        rows.append(row)
    return rows
