"""The result as pictures: bars in the terminal, and a page of SVG charts that needs nothing but a browser."""

import html
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text

BAR_WIDTH = 40
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
COLOURS = {"Winter": "#5b8fb9", "Spring": "#6aa56e", "Summer": "#e0a83e", "Fall": "#c06c4e"}
COLOUR = "#3f7cac"


def dollars(cents: int) -> str:
    return f"{cents / 100:,.2f}"


def bars(say: Console, title: str, totals: dict[str, int]) -> None:
    """Horizontal bars in the terminal."""
    say.print(f"\n[bold]{title}[/]")
    longest = max(totals.values(), default=0) or 1
    for name, cents in totals.items():
        bar = "█" * max(1, round(BAR_WIDTH * cents / longest)) if cents else ""
        say.print(Text.assemble((f"  {name:<10}", "bold"), (f"{bar:<{BAR_WIDTH}}", "cyan"), f" {dollars(cents):>14}"))


def page(path: Path, heading: str, groups: dict[str, dict[str, int]], facts: list[tuple[str, str]]) -> None:
    """Write the page: a card for each group, and the facts of the run."""
    cards = "\n".join(_card(title, totals) for title, totals in groups.items())
    rows = "\n".join(f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in facts)
    when = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PAGE.format(heading=html.escape(heading), when=when, cards=cards, rows=rows), encoding="utf-8")


def _card(title: str, totals: dict[str, int]) -> str:
    row_height, label_width, bar_width, value_width = 30, 92, 360, 120
    longest = max(totals.values(), default=0) or 1
    marks = []
    for number, (name, cents) in enumerate(totals.items()):
        top = number * row_height
        width = bar_width * cents / longest
        colour = COLOURS.get(name, COLOUR)
        marks.append(
            f"<g><title>{html.escape(name)}: ${dollars(cents)}</title>"
            f'<text class="label" x="{label_width - 10}" y="{top + 20}">{html.escape(name)}</text>'
            f'<rect x="{label_width}" y="{top + 5}" width="{width:.1f}" height="{row_height - 10}" rx="3" fill="{colour}"/>'
            f'<text class="value" x="{label_width + width + 8:.1f}" y="{top + 20}">${dollars(cents)}</text></g>'
        )
    width, height = label_width + bar_width + value_width, row_height * len(totals)
    total = dollars(sum(totals.values()))
    return (
        f'<section><h2>{html.escape(title)}</h2><p class="total">Total Sales ${total}</p>'
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{html.escape(title)}">{"".join(marks)}</svg></section>'
    )


PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{heading} · Headwater</title>
<style>
  :root {{ color-scheme: light dark; --ink: #1d2b36; --soft: #5d6f7c; --paper: #f5f7f8; --card: #ffffff; --line: #dfe6ea; }}
  @media (prefers-color-scheme: dark) {{ :root {{ --ink: #e6edf1; --soft: #9fb0bb; --paper: #12191f; --card: #1b252d; --line: #2b3843; }} }}
  body {{ margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }}
  header, main {{ max-width: 1180px; margin: 0 auto; padding: 24px; }}
  header h1 {{ margin: 0; font-size: 26px; letter-spacing: -0.01em; }}
  header p {{ margin: 4px 0 0; color: var(--soft); }}
  main {{ columns: 460px 2; column-gap: 20px; padding-top: 0; }}
  section {{ break-inside: avoid; margin-bottom: 20px; }}
  section {{ background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 18px 20px; }}
  h2 {{ margin: 0; font-size: 16px; }}
  .total {{ margin: 0 0 10px; color: var(--soft); font-variant-numeric: tabular-nums; }}
  svg {{ width: 100%; height: auto; display: block; }}
  svg text {{ font-size: 14px; fill: var(--ink); font-variant-numeric: tabular-nums; }}
  svg .label {{ text-anchor: end; }}
  svg .value {{ fill: var(--soft); }}
  table {{ border-collapse: collapse; margin-top: 8px; }}
  th {{ text-align: left; font-weight: 500; color: var(--soft); padding: 3px 20px 3px 0; }}
  td {{ font-variant-numeric: tabular-nums; }}
</style>
</head>
<body>
<header><h1>{heading}</h1><p>Aurora MySQL → Lambda → Firehose → S3 → Redshift Spectrum, on this machine · {when}</p></header>
<main>
{cards}
<section><h2>This run</h2><table>
{rows}
</table></section>
</main>
</body>
</html>
"""
