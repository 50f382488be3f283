"""progress.py: a bar on a terminal, plain lines elsewhere."""

import io

import pytest

from cin_style import progress


class Terminal(io.StringIO):
    """A standard error that says it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""

    class Clock:
        now = 100.0

    monkeypatch.setattr(progress.time, "monotonic", lambda: Clock.now)
    return Clock


def test_in_a_log_a_line_comes_every_half_minute(clock, capsys):
    with progress.Bar(2000, "step", initial=1000) as bar:
        for _ in range(1000):
            clock.now += 0.125
            bar.update(figures=lambda: {"loss": 12.5})
    assert bar.count == 2000
    assert capsys.readouterr().err.splitlines() == [
        "step 1,240 of 2,000, 30 s so far, some 2 min to go, loss 12.5",
        "step 1,480 of 2,000, 60 s so far, some 65 s to go, loss 12.5",
        "step 1,720 of 2,000, 2 min so far, some 35 s to go, loss 12.5",
        "step 1,960 of 2,000, 2 min so far, some 5 s to go, loss 12.5",
        "step 2,000 of 2,000, 2 min so far, loss 12.5",
    ]


def test_what_is_short_is_silent(clock, capsys):
    assert list(progress.track("abc", "letter")) == ["a", "b", "c"]
    with progress.Bar(10, "photo", shown=False) as bar:
        clock.now += 1000
        bar.update(4)
    assert bar.count == 4 and capsys.readouterr().err == ""


def test_figures_are_computed_only_where_they_are_shown(clock, capsys):
    def never():
        raise AssertionError("computed in vain")

    bar = progress.Bar(10, "step")
    bar.update(figures=never)
    bar.update(8, figures=never)
    clock.now += 31
    bar.update(figures=lambda: {"loss": 1.0})
    bar.close()
    assert capsys.readouterr().err.count("\n") == 1


def test_on_a_terminal_a_bar_moves(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with progress.Bar(3, "photo") as bar:
        for _ in range(3):
            bar.update(figures=lambda: {"loss": 0.25})
        with progress.aside():
            terminal.write("a line")
    text = terminal.getvalue()
    assert "\r" in text and "3/3" in text and "loss=0.25" in text and "\ra line" in text


def test_durations_in_words():
    for seconds, words in [(4, "4 s"), (89, "89 s"), (95, "2 min"), (5300, "88 min")]:
        assert progress.duration(seconds) == words
    assert progress.duration(5 * 3600 + 1000) == "5.3 h"
    assert progress.duration(130 * 3600) == "130 h"
