"""Pictures of reports show the figures, with units, a legend and what a replay cannot show."""

from __future__ import annotations

import matplotlib as mpl
import pytest

from escalation_rules.errors import InvalidValue, UnknownName
from escalation_rules.simulation import compare
from escalation_rules.views import plot
from tests.units.simulation.logs import sample, service_desk

mpl.use("Agg")
from matplotlib import pyplot


@pytest.fixture(scope="module")
def compared():
    return compare(service_desk(), service_desk("2", "75%", 3), sample())


@pytest.fixture(autouse=True)
def _closed():
    yield
    pyplot.close("all")


def texts(ax):
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    notes = [text.get_text() for text in ax.texts]
    return legend, notes


def test_every_plot_says_what_it_shows_in_what_unit_and_what_a_replay_cannot(compared):
    """Of a comparison and of one replay."""
    for report in (compared, compared.new):
        for kind in ("rates", "workload", "changes")[: 3 if report is compared else 2]:
            ax = plot(report, kind)
            legend, notes = texts(ax)
            assert legend
            assert ax.get_title()
            assert ax.get_xlabel()
            assert notes[-1] == "People act as they did: a replay cannot show faster answers."
            assert 0 in ax.get_xlim() or 0 in ax.get_ylim()


def test_rates_are_drawn_where_they_are(compared):
    """A point for each group and side, at its percentage."""
    ax = plot(compared, "rates", by="priority")
    drawn = [container.lines[0].get_xdata().tolist() for container in ax.containers]
    rates = [one.rates(by="priority")["rate"].tolist() for one in (compared.old, compared.new)]
    assert drawn == [pytest.approx([100 * rate for rate in side]) for side in rates]
    assert ax.get_yticklabels()[0].get_text().split("\n")[0] == "resolution, low"


def test_work_is_drawn_at_the_end_of_each_step(compared):
    """The old policy dashed, the new one not, a level in one colour; on axes that were given."""
    _, given = pyplot.subplots()
    ax = plot(compared, "workload", given, every="1 week")
    assert ax is given
    lines = {line.get_label(): line for line in ax.lines}
    old, new = lines["desk, old: service desk 1"], lines["desk, new: service desk 2"]
    assert (old.get_linestyle(), new.get_linestyle()) == ("--", "-")
    assert old.get_color() == new.get_color()
    work = compared.new.workload(every="1 week")
    desk = work[work["level"] == "desk"]
    assert new.get_ydata().tolist() == desk["standing"].tolist()
    assert new.get_xdata()[0] == desk["start"].dt.tz_localize(None).iloc[1].to_datetime64()


def test_changes_are_counted_by_kind(compared):
    """Moves and deadlines apart."""
    ax = plot(compared, "changes")
    changes = compared.frame("changes")
    widths = [bar.get_width() for bar in ax.containers[0]]
    kinds = ["added", "removed", "earlier", "later", "other_rule", "outcome"]
    assert widths == [int(((changes["kind"] == kind) & (changes["subject"] == "move")).sum()) for kind in kinds]


def test_a_title_of_long_names_has_several_lines():
    """It does not run over the edges of the picture."""
    sides = [
        service_desk(version).model_copy(update={"name": "complaints about deliveries abroad"})
        for version in ("1", "2")
    ]
    ax = plot(compare(*sides, sample()), "changes")
    ax.figure.draw_without_rendering()
    drawn, picture = ax.title.get_window_extent(), ax.figure.bbox
    assert "\n" in ax.get_title()
    assert picture.x0 <= drawn.x0
    assert drawn.x1 <= picture.x1


def test_odd_plots_are_refused(compared):
    """Unknown ones, and the changes of a single replay."""
    with pytest.raises(UnknownName, match="did you mean `rates`"):
        plot(compared, "rate")
    with pytest.raises(InvalidValue, match="changes of a single replay, expected a comparison"):
        plot(compared.old, "changes")
