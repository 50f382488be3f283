"""sheets.py: the grid's arithmetic to the pixel, and that labels are where they belong."""

import numpy as np

from cin_style.images import sheets

PAPER, INK = (250, 249, 246), (40, 40, 44)
RED, BLUE = (255, 0, 0), (0, 0, 255)


def flat(width, height, colour):
    return np.full((height, width, 3), colour, dtype="uint8")


def inked(area):
    """How many pixels of an area are nearer to ink than to paper."""
    return int((area.astype(int).sum(axis=-1) < 400).sum())


def test_grid_without_labels():
    rows = [[flat(10, 10, RED), flat(20, 20, BLUE)], [flat(40, 40, BLUE), flat(5, 5, RED)]]
    sheet = sheets.contact_sheet(rows, cell=20, gap=6)
    assert sheet.dtype == np.uint8
    expected = flat(6 + 2 * 26, 6 + 2 * 26, PAPER)
    expected[6:26, 6:26] = expected[32:52, 32:52] = RED
    expected[6:26, 32:52] = expected[32:52, 6:26] = BLUE
    np.testing.assert_array_equal(sheet, expected)


def test_pictures_are_centred_and_rows_as_high_as_their_highest():
    # Scaled to fit 40 px: 40 x 20 and 10 x 40; the second row's only picture is 40 x 10.
    rows = [[flat(80, 40, RED), flat(20, 80, BLUE)], [flat(80, 20, RED)]]
    expected = flat(4 + 2 * 44, 4 + 44 + 14, PAPER)
    expected[14:34, 4:44] = RED
    expected[4:44, 63:73] = BLUE
    expected[48:58, 4:44] = RED
    np.testing.assert_array_equal(sheets.contact_sheet(rows, cell=40, gap=4), expected)


def test_empty_cells():
    rows = [[None, flat(20, 20, RED)], [None, None]]
    expected = flat(6 + 2 * 26, 6 + 2 * 26, PAPER)
    expected[6:26, 32:52] = RED
    np.testing.assert_array_equal(sheets.contact_sheet(rows, cell=20, gap=6), expected)


def test_floats_are_rounded():
    sheet = sheets.contact_sheet([[np.full((8, 8, 3), 99.6 / 255)]], cell=8, gap=0)
    np.testing.assert_array_equal(sheet, flat(8, 8, (100, 100, 100)))


def test_column_labels_stand_above_their_columns():
    rows = [[flat(64, 64, RED), flat(64, 64, BLUE)]]
    plain = sheets.contact_sheet(rows, cell=64, gap=6)
    sheet = sheets.contact_sheet(rows, column_labels=["", "dots"], cell=64, gap=6)
    line = 16
    assert sheet.shape == (plain.shape[0] + line, plain.shape[1], 3)
    np.testing.assert_array_equal(sheet[6 + line :], plain[6:])
    head = sheet[: 6 + line]
    assert inked(head[:, 76:140]) > 20
    assert inked(head[:, :70]) == 0
    # In the middle of its column.
    columns = np.flatnonzero((head.astype(int).sum(axis=-1) < 400).any(axis=0))
    assert abs((columns[0] + columns[-1]) / 2 - (76 + 32)) < 3


def test_bottom_labels_stand_below():
    rows = [[flat(64, 64, RED), flat(64, 64, BLUE)]]
    plain = sheets.contact_sheet(rows, cell=64, gap=6)
    sheet = sheets.contact_sheet(rows, bottom_labels=["", "below"], cell=64, gap=6)
    assert sheet.shape[1] == plain.shape[1] and sheet.shape[0] > plain.shape[0] + 10
    np.testing.assert_array_equal(sheet[: len(plain)], plain)
    assert inked(sheet[len(plain) :, :70]) == 0
    assert inked(sheet[len(plain) - 6 :, 76:]) > 20


def test_a_sheet_fits_into_a_webp_file():
    rows = [[flat(20, 20, RED)] for _ in range(200)]
    assert max(sheets.contact_sheet(rows, cell=256).shape) < 16_383


def test_long_labels_are_cut_to_their_column():
    rows = [[None, flat(48, 48, BLUE), None]]
    labels = ["", "a name that is far longer than its column", ""]
    sheet = sheets.contact_sheet(rows, column_labels=labels, cell=48, gap=6)
    columns = np.flatnonzero((sheet[:22].astype(int).sum(axis=-1) < 600).any(axis=0))
    assert len(columns) and columns[0] >= 60 - 2 and columns[-1] <= 108 + 2


def test_many_styles_stand_in_several_grids():
    colours = [(40 * n, 0, 0) for n in range(5)]
    rows = [[flat(32, 32, BLUE), *(flat(32, 32, colour) for colour in colours)] for _ in range(2)]
    names = list("abcde")
    sheet = sheets.style_sheet(rows, names, columns=4, cell=32)
    # Five styles, at most four side by side: three and two.
    upper = sheets.contact_sheet(
        [row[:4] for row in rows], column_labels=["photo", "a", "b", "c"], cell=32
    )
    lower = sheets.contact_sheet(
        [[row[0], *row[4:], None] for row in rows], column_labels=["photo", "d", "e"], cell=32
    )
    np.testing.assert_array_equal(sheet, np.concatenate([upper, lower]))
    one = sheets.contact_sheet(rows, column_labels=["photo", *names], cell=32)
    np.testing.assert_array_equal(sheets.style_sheet(rows, names, columns=8, cell=32), one)


def test_a_sheet_of_many_photos_and_styles_fits_into_a_webp_file():
    rows = [[flat(20, 20, RED)] * 33 for _ in range(60)]
    assert max(sheets.style_sheet(rows, [str(n) for n in range(32)]).shape) < 16_383
