"""Logins over time, with the rotations marked: a line in the terminal, and a page of SVG that needs nothing but a browser."""

import html
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from figures import Figures, Request, Rotation
from rich.console import Console
from rich.text import Text

COLUMNS = 96
BARS = " ▁▂▃▄▅▆▇█"
WIDTH, HEIGHT = 1080, 150
ZOOM_WIDTH, ZOOM_HEIGHT = 520, 170
ZOOM_S = 0.4
"""How much of the time before and behind a rotation is drawn larger."""
BIN_S = 0.1


def timeline(say: Console, figures: Figures) -> None:
    """Logins a column as bars; below, a red mark where one was refused, and R where a rotation ended."""
    first, last = _span(figures)
    step = (last - first) / COLUMNS
    logins = _counted([request.logged_in_at for request in figures.requests if request.failure is None], first, step, COLUMNS)
    refused = _counted(figures.refused, first, step, COLUMNS)
    highest = max(logins) or 1
    bars = "".join(BARS[-(-count * (len(BARS) - 1) // highest)] for count in logins)
    marks = ["x" if count else " " for count in refused]
    below = [" "] * COLUMNS
    for rotation in figures.rotations:
        below[min(int((rotation.finished_at - first) / step), COLUMNS - 1)] = "R"
    say.print(Text.assemble("  logins  ", (bars, "cyan")), soft_wrap=True)
    say.print(Text.assemble("  refused ", ("".join(marks), "red bold")), soft_wrap=True)
    say.print(Text.assemble("  rotated ", ("".join(below), "yellow bold"), f"  {last - first:.1f} s"), soft_wrap=True)


def _span(figures: Figures) -> tuple[float, float]:
    return figures.requests[0].at, max(request.logged_in_at for request in figures.requests) + 1e-6


def _counted(moments: list[float], first: float, step: float, bins: int) -> list[int]:
    counts = [0] * bins
    for moment in moments:
        number = int((moment - first) / step)
        if 0 <= number < bins:
            counts[number] += 1
    return counts


def page(path: Path, cases: list[Figures]) -> None:
    """A card for each case: all of the run, and each rotation enlarged."""
    cards = "\n".join(_card(figures) for figures in cases)
    when = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PAGE.format(when=when, cards=cards), encoding="utf-8")


def _card(figures: Figures) -> str:
    zooms = "\n".join(_zoom(figures, rotation) for rotation in figures.rotations)
    facts = [
        ("requests", f"{len(figures.requests):,}"),
        ("failed", f"{len(figures.failed):,}"),
        ("logins refused", f"{len(figures.refused):,}"),
        ("a second", f"{figures.rate:.0f}"),
        ("median", f"{figures.median_ms:.1f} ms"),
        ("longest", f"{figures.longest_ms:.0f} ms"),
    ]
    shown = "".join(f"<div><b>{html.escape(value)}</b><span>{html.escape(name)}</span></div>" for name, value in facts)
    return (
        f'<section><h2>{html.escape(figures.title)}</h2><div class="facts">{shown}</div>{_overview(figures)}'
        f'<div class="zooms">{zooms}</div></section>'
    )


def _overview(figures: Figures) -> str:
    first, last = _span(figures)
    bins = int((last - first) / BIN_S) + 1
    logins = _counted([request.logged_in_at for request in figures.requests if request.failure is None], first, BIN_S, bins)
    highest = max(logins) or 1
    base, scale = HEIGHT - 24, (HEIGHT - 50) / highest
    wide = WIDTH / bins
    marks = [
        f'<rect class="login" x="{number * wide:.1f}" y="{base - count * scale:.1f}" width="{max(wide - 1, 0.5):.1f}" '
        f'height="{count * scale:.1f}"><title>{count} logins</title></rect>'
        for number, count in enumerate(logins)
        if count
    ]
    for rotation in figures.rotations:
        x = (rotation.finished_at - first) / BIN_S * wide
        marks.append(f'<line class="rotation" x1="{x:.1f}" x2="{x:.1f}" y1="18" y2="{base}"/>')
        anchor = "end" if x > WIDTH * 0.7 else "start"
        marks.append(
            f'<text class="mark" x="{x + (-6 if anchor == "end" else 6):.1f}" y="14" text-anchor="{anchor}">{rotation.what}</text>'
        )
    marks += [f'<circle class="refused" cx="{(moment - first) / BIN_S * wide:.1f}" cy="26" r="4"/>' for moment in figures.refused]
    ticks = _ticks(last - first, WIDTH, base)
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Logins in each tenth of a second">{"".join(marks)}{ticks}</svg>'


def _ticks(seconds: float, width: float, base: float) -> str:
    every = next(step for step in (1, 2, 5, 10, 20, 50, 100, 1000) if seconds / step <= 12)
    line = f'<line class="axis" x1="0" x2="{width}" y1="{base}" y2="{base}"/>'
    words = (
        f'<text class="tick" x="{max(at / seconds * width, 10):.1f}" y="{base + 16}">{at} s</text>'
        for at in range(0, int(seconds) + 1, every)
    )
    return line + "".join(words)


def _zoom(figures: Figures, rotation: Rotation) -> str:
    """Each request as a line from its beginning to its end, over how long it took; the window of the rotation shaded."""
    first, last = rotation.set_at - ZOOM_S, rotation.finished_at + ZOOM_S
    near = [request for request in figures.requests if first <= request.logged_in_at and request.at <= last]
    highest = max((request.ms for request in near), default=1.0)
    base = ZOOM_HEIGHT - 24

    def x(moment: float) -> float:
        return (moment - first) / (last - first) * ZOOM_WIDTH

    def y(ms: float) -> float:
        return base - ms / highest * (base - 30)

    shade = (
        f'<rect class="window" x="{x(rotation.set_at):.1f}" y="20" '
        f'width="{max(x(rotation.finished_at) - x(rotation.set_at), 1):.1f}" height="{base - 20}"/>'
    )
    marks = "".join(_drawn(request, x, y) for request in near)
    refused = len(figures.refused_in(rotation))
    words = f"{rotation.what}: new password to AWSCURRENT {rotation.window_ms:.0f} ms, {refused} logins refused"
    axis = f'<line class="axis" x1="0" x2="{ZOOM_WIDTH}" y1="{base}" y2="{base}"/>'
    ticks = "".join(
        f'<text class="tick" x="{x(rotation.set_at + at):.1f}" y="{base + 16}">{at * 1000:+.0f} ms</text>'
        for at in (-0.3, -0.15, 0.15, 0.3)
    )
    scale = f'<text class="tick" x="0" y="26" style="text-anchor:start">{highest:.0f} ms</text>'
    return (
        f'<figure><figcaption>{html.escape(words)}</figcaption><svg viewBox="0 0 {ZOOM_WIDTH} {ZOOM_HEIGHT}" role="img" '
        f'aria-label="{html.escape(words)}">{shade}{axis}{ticks}{scale}{marks}</svg></figure>'
    )


def _drawn(request: Request, x: Callable[[float], float], y: Callable[[float], float]) -> str:
    kind = "failed" if request.failure else "late" if request.refused else "login"
    height = y(request.ms)
    line = f'<line class="{kind}" x1="{x(request.at):.1f}" x2="{x(request.logged_in_at):.1f}" y1="{height:.1f}" y2="{height:.1f}"/>'
    dot = f'<circle class="{kind}" cx="{x(request.logged_in_at):.1f}" cy="{height:.1f}" r="2.4"><title>{request.ms:.1f} ms</title></circle>'
    refused = "".join(f'<circle class="refused" cx="{x(moment):.1f}" cy="{height:.1f}" r="3.2"/>' for _, moment in request.refused)
    return line + dot + refused


PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Rotating credentials · Headwater</title>
<style>
  :root {{ color-scheme: light dark; --ink: #1d2b36; --soft: #5d6f7c; --paper: #f5f7f8; --card: #ffffff; --line: #dfe6ea;
          --login: #3f7cac; --late: #d08c1d; --refused: #c8443a; --window: #f3dfb5; }}
  @media (prefers-color-scheme: dark) {{ :root {{ --ink: #e6edf1; --soft: #9fb0bb; --paper: #12191f; --card: #1b252d; --line: #2b3843;
          --login: #6aa6d6; --late: #e0a83e; --refused: #f0716a; --window: #4a3d1e; }} }}
  body {{ margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }}
  header, main {{ max-width: 1180px; margin: 0 auto; padding: 24px; }}
  header h1 {{ margin: 0; font-size: 26px; letter-spacing: -0.01em; }}
  header p {{ margin: 4px 0 0; color: var(--soft); }}
  .key i {{ display: inline-block; width: 10px; height: 10px; border-radius: 5px; margin: 0 4px 0 12px; }}
  main {{ padding-top: 0; }}
  section {{ background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 18px 20px; margin-bottom: 20px; }}
  h2 {{ margin: 0 0 8px; font-size: 17px; }}
  .facts {{ display: flex; flex-wrap: wrap; gap: 4px 28px; margin-bottom: 8px; font-variant-numeric: tabular-nums; }}
  .facts b {{ font-size: 19px; font-weight: 600; }}
  .facts span {{ color: var(--soft); margin-left: 6px; }}
  .zooms {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(380px, 1fr)); gap: 12px 24px; margin-top: 14px; }}
  figure {{ margin: 0; }}
  figcaption {{ color: var(--soft); font-size: 13.5px; }}
  svg {{ width: 100%; height: auto; display: block; }}
  .tick {{ font-size: 11.5px; fill: var(--soft); text-anchor: middle; }}
  .mark {{ font-size: 12.5px; fill: var(--ink); }}
  .axis {{ stroke: var(--line); }}
  .rotation {{ stroke: var(--late); stroke-width: 2; }}
  .window {{ fill: var(--window); }}
  rect.login, circle.login {{ fill: var(--login); }}
  line.login {{ stroke: var(--login); opacity: 0.5; }}
  circle.late {{ fill: var(--late); }}
  line.late {{ stroke: var(--late); }}
  circle.refused, circle.failed {{ fill: var(--refused); }}
  line.failed {{ stroke: var(--refused); }}
</style>
</head>
<body>
<header><h1>The application never notices</h1>
<p>Logins of an application while Secrets Manager rotates its credential, on real databases · {when}</p>
<p class="key"><i style="background: var(--login)"></i>login <i style="background: var(--late)"></i>login after a retry
<i style="background: var(--refused)"></i>refused</p></header>
<main>
{cards}
</main>
</body>
</html>
"""
