"""Bar charts of deliveries and look-ups a second, as one SVG."""

from html import escape

from bench.figures import DATABASES, Results, median_of
from bench.growth import CELLS

OURS = "Threadlink"
DELIVERIES = {
    **{f"ours, {db}": f"{OURS}, on disk ({db})" for db in DATABASES},
    "Express": "Express, stores nothing",
    "Bottender": "Bottender, stores nothing",
    "fbmq": "fbmq, stores and checks nothing",
}
LOOK_UPS = {
    **{f"look-ups, {db}": f"{OURS} ({db})" for db in DATABASES},
    **{f"Express, look-ups, {db}": f"Express ({db})" for db in DATABASES},
}
GROWTH = {
    cell.name: f"{OURS}, {cell.name.removeprefix('growth, ').replace(' links', '')}"
    for cell in CELLS
}
# A title, the bars by the names of their measurements, and what is shown of these.
CHARTS = (
    ("Deliveries acknowledged a second, one core, 64 in flight", DELIVERIES, "acks_s"),
    ("Look-ups a second, one core, 64 in flight", LOOK_UPS, "acks_s"),
    ("Look-ups a second by number of links, all cores", GROWTH, "look_ups_s"),
)
WIDTH, ROW, LEFT, HEAD, GAP = 720, 26, 330, 40, 16

Bars = dict[str, float]


def words(results: Results) -> str:
    """Return the charts as text, for readers who do not see them."""
    return ". ".join(
        f"{title}: " + "; ".join(f"{name} {value:,.0f}" for name, value in bars.items())
        for title, bars in _charts(results)
    )


def draw(results: Results) -> str:
    """Return a chart for each of CHARTS that was measured."""
    parts, top = list[str](), 0
    for title, bars in _charts(results):
        parts += _chart(title, bars, top)
        top += HEAD + ROW * len(bars) + GAP
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}" role="img">',
            "<style>text { font: 14px system-ui, sans-serif; fill: #1c2733 }</style>",
            f"<title>{escape(words(results))}</title>",
            f'<rect width="{WIDTH}" height="{top}" rx="8" fill="#fff"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _chart(title: str, bars: Bars, top: int) -> list[str]:
    parts = [f'<text x="16" y="{top + 26}" font-weight="600">{escape(title)}</text>']
    most = max(bars.values())
    for number, (words, value) in enumerate(bars.items()):
        y = top + HEAD + ROW * number
        length = round((WIDTH - LEFT - 90) * value / most)
        colour = "#0a6d5a" if words.startswith(OURS) else "#9aa7b4"
        parts += [
            f'<text x="{LEFT - 10}" y="{y + 15}" text-anchor="end">{escape(words)}</text>',
            f'<rect x="{LEFT}" y="{y}" width="{length}" height="20" rx="3" fill="{colour}"/>',
            f'<text x="{LEFT + length + 8}" y="{y + 15}">{value:,.0f}</text>',
        ]
    return parts


def _charts(results: Results) -> list[tuple[str, Bars]]:
    charts = (
        (
            title,
            {
                words: median_of(results[name], key)
                for name, words in names.items()
                if results.get(name)
            },
        )
        for title, names, key in CHARTS
    )
    return [(title, bars) for title, bars in charts if bars]
