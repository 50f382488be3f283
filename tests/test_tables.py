"""tables.py: what is written is read again."""

from cin_style import tables

ROWS = [
    {"style": "ash", "step": 12, "loss": 1234567.8, "worth": ""},
    {"style": "7", "step": -3, "loss": 2.0, "worth": 5},
]


def test_a_round_trip(tmp_path):
    tables.write(tmp_path / "t.csv", ROWS)
    assert (tmp_path / "t.csv").read_text().splitlines()[:2] == [
        "style,step,loss,worth",
        "ash,12,1.23457e+06,",
    ]
    rows = tables.read(tmp_path / "t.csv", texts=["style"])
    assert rows == [ROWS[0] | {"loss": 1234570.0}, ROWS[1]]
    assert isinstance(rows[0]["step"], int)


def test_no_file_is_no_rows(tmp_path):
    assert tables.read(tmp_path / "t.csv") == []


def test_aligned_text():
    rows = [
        {"style": "ash", "loss": 12.34567, "worth": ""},
        {"style": "1e5", "loss": 1, "worth": 3},
    ]
    lines = tables.align(rows).splitlines()
    # A name is no number, and stays as it is.
    cells = [["style", "loss", "worth"], ["ash", "12.35"], ["1e5", "1", "3"]]
    assert [line.split() for line in lines] == cells
    # The first column to the left, numbers to the right.
    for line, (name, *_) in zip(lines, cells, strict=True):
        assert line.startswith(name)
    assert lines[0].index("loss") + 4 == lines[1].index("12.35") + 5 == lines[2].index(" 1 ") + 2
    assert lines[2].endswith("3") and len(lines[0]) == len(lines[2])
