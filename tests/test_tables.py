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
    assert tables.align([{"style": "ash", "loss": 12.34567}, {"style": "oak", "loss": 1}]) == (
        "style   loss\nash    12.35\noak        1"
    )
