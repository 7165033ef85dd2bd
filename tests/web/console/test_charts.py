"""The geometry of charts: within their frame, in proportion, with the numbers in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web.console.charts import WIDTH, Column, Row, column_chart, row_chart

COLUMNS = st.lists(
    st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)).map(
        lambda pair: Column("7 Nov", max(pair), min(pair))
    ),
    max_size=90,
)


@given(COLUMNS)
def test_columns_stay_within_the_chart_one_beside_the_other(columns: list[Column]) -> None:
    chart = column_chart("id", "Attempts", columns, part="linked", rest="not linked")

    end = 0.0
    for bar in chart.bars:
        assert end - 0.01 <= bar.x
        end = bar.x + bar.width
        assert end <= WIDTH + 0.01
        assert 0 <= bar.rest_y <= bar.part_y <= chart.floor
        assert bar.part_y + bar.part_height == pytest.approx(chart.floor)
        assert bar.rest_y + bar.rest_height == pytest.approx(bar.part_y, abs=0.02)
        assert 0 <= bar.text_x <= WIDTH


def test_columns_are_in_proportion_and_the_least_is_seen() -> None:
    columns = [Column("Mon", 1000, 500), Column("Tue", 500, 500), Column("Wed", 1, 0)]
    chart = column_chart("id", "Attempts", columns, part="linked", rest="not linked")

    monday, tuesday, wednesday = chart.bars
    assert monday.part_height == monday.rest_height == tuesday.part_height
    assert (0, 0) == (tuesday.rest_height, wednesday.part_height)
    assert wednesday.rest_height > 1
    assert ["1,000", "500", "1"] == [bar.words for bar in chart.bars]
    assert "linked: 1,000; not linked: 501. Most: Mon, 1,000. From Mon to Wed." == chart.description


def test_of_many_columns_the_ends_and_the_highest_are_labelled() -> None:
    columns = [Column(f"day {n}", 90 - abs(n - 45), 0) for n in range(90)]
    chart = column_chart("id", "Attempts", columns, part="linked", rest="not linked")

    assert ["day 0", "day 89"] == [bar.label for bar in chart.bars if bar.label]
    assert ["90"] == [bar.words for bar in chart.bars if bar.words]
    assert ("start", "end") == (chart.bars[0].anchor, chart.bars[-1].anchor)


def test_nothing_is_drawn_as_nothing() -> None:
    empty = column_chart("id", "Attempts", [Column("Mon", 0, 0)], part="linked", rest="")

    assert "Nothing in this time." == empty.description
    assert (0, 0, "") == (
        empty.bars[0].part_height,
        empty.bars[0].rest_height,
        empty.bars[0].words,
    )
    assert () == row_chart("Stages", []).bars


def test_the_longest_row_is_as_wide_as_the_chart() -> None:
    chart = row_chart("Stages", [Row("opened", 200, "100 %"), Row("linked", 50, "25 %")])

    assert [WIDTH, WIDTH / 4] == [bar.width for bar in chart.bars]
    assert "opened: 200 · 100 %; linked: 50 · 25 %" == chart.description
    assert chart.bars[-1].y + chart.bar_height <= chart.height
