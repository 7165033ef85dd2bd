"""A bar chart of acknowledged single deliveries a second, as SVG."""

import statistics
from html import escape

from bench.figures import Results

SHOWN = {
    "ours, SQLite": "Threadlink, on disk (SQLite)",
    "ours, PostgreSQL": "Threadlink, on disk (PostgreSQL)",
    "Express": "Express, stores nothing",
    "Bottender": "Bottender, stores nothing",
    "fbmq": "fbmq, stores and checks nothing",
}
TITLE = "Deliveries acknowledged a second, one core, 64 in flight"
WIDTH, ROW, LEFT = 720, 34, 250


def words(results: Results) -> str:
    """Return the chart as text, for readers who do not see it."""
    return f"{TITLE}: " + "; ".join(
        f"{name} {value:,.0f}" for name, value in _bars(results).items()
    )


def draw(results: Results) -> str:
    """Return the chart with a bar for each of SHOWN that was measured."""
    bars = _bars(results)
    most = max(bars.values(), default=1)
    height = 44 + ROW * len(bars)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" role="img">',
        "<style>text { font: 14px system-ui, sans-serif; fill: #1c2733 }</style>",
        f"<title>{TITLE}</title>",
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#fff"/>',
        f'<text x="16" y="26" font-weight="600">{TITLE}</text>',
    ]
    for number, (words, value) in enumerate(bars.items()):
        top = 40 + ROW * number
        length = round((WIDTH - LEFT - 90) * value / most)
        colour = "#0a6d5a" if words.startswith("Threadlink") else "#9aa7b4"
        parts += [
            f'<text x="{LEFT - 10}" y="{top + 18}" text-anchor="end">{escape(words)}</text>',
            f'<rect x="{LEFT}" y="{top + 2}" width="{length}" height="22" rx="3" fill="{colour}"/>',
            f'<text x="{LEFT + length + 8}" y="{top + 18}">{value:,.0f}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bars(results: Results) -> dict[str, float]:
    return {
        words: statistics.median(run["acks_s"] for run in results[name])
        for name, words in SHOWN.items()
        if results.get(name)
    }
