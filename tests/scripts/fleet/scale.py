"""Measures commands about 1 to 100 clusters and draws docs/scale.svg: `make scale`.

Stand-ins play the clusters, on the same host. Prints the figures as a table in Markdown.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.scripts.conftest import TOP
from tests.scripts.fleet.many_clusters import NODES, PLANES, PODS, document, serving, timed

DRAWING = TOP / "docs" / "scale.svg"
SIZES = (1, 10, 25, 50, 75, 100)
COMMANDS = ("status", "consistency", "capacity", "report")
# Of DNS's pods, each cluster has two.
OF_DNS = 2
SECONDS = 120
WIDTH, HEIGHT, LEFT, TOP_EDGE, PANEL, GAP = 960, 380, 60, 60, 350, 110
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #57606a; }
.title { font-weight: 600; fill: #1b1f24; }
.grid { stroke: #d8dee4; } polyline[class] { fill: none; stroke-width: 2; }
.status { stroke: #1f6feb; fill: #1f6feb; } .consistency { stroke: #8250df; fill: #8250df; }
.capacity { stroke: #1a7f37; fill: #1a7f37; } .report { stroke: #bc4c00; fill: #bc4c00; }
text.status, text.consistency, text.capacity, text.report { stroke: none; font-weight: 600; }
@media (prefers-color-scheme: dark) {
  text { fill: #a0aab5; } .title { fill: #e6e9ed; } .grid { stroke: #2f3740; }
  .status { stroke: #79b8ff; fill: #79b8ff; } .consistency { stroke: #c297ff; fill: #c297ff; }
  .capacity { stroke: #7fd29a; fill: #7fd29a; } .report { stroke: #f5a07c; fill: #f5a07c; }
}
"""


@dataclass(frozen=True)
class Measured:
    """What a command took about so many clusters: seconds, and its peak in MiB."""

    command: str
    clusters: int
    seconds: float
    mebibytes: float


def main() -> None:
    """Measure, print, and write the drawing."""
    found = list(_measured())
    print(*table(found), sep="\n")
    DRAWING.write_text(drawing(found) + "\n", encoding="utf-8")


def _measured() -> Iterator[Measured]:
    with serving(NODES, PODS, PLANES, OF_DNS) as base, tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            config = Path(folder) / "config"
            config.write_text(yaml.safe_dump(document(base, size, 0)))
            for command in COMMANDS:
                words = [command, "--kubeconfig", str(config), "--timeout", str(SECONDS)]
                output = ["-O", f"{folder}/report.html"] if command == "report" else ["-o", "json"]
                seconds, ended = timed(Path(folder), *words, *output)
                if ended.returncode not in (0, 1):
                    raise SystemExit(f"{command} failed: {ended.stderr}")
                yield Measured(command, size, seconds, int(ended.stderr.split()[-1]) / 1024)


def table(found: Sequence[Measured]) -> Iterator[str]:
    """Yield the lines of a table: a row for each number of clusters."""
    yield f"| clusters | Nodes | pods | {' | '.join(f'`fleet {each}`' for each in COMMANDS)} |"
    yield f"|{'---:|' * (3 + len(COMMANDS))}"
    for size in sorted({each.clusters for each in found}):
        cells = [
            f"{each.seconds:.1f} s, {each.mebibytes:.0f} MiB"
            for command in COMMANDS
            for each in found
            if (each.command, each.clusters) == (command, size)
        ]
        yield f"| {size} | {size * NODES:,} | {size * PODS:,} | {' | '.join(cells)} |"


def drawing(found: Sequence[Measured]) -> str:
    """Return the SVG: seconds on the left, memory on the right."""
    told = "; ".join(
        f"{each.command} of {each.clusters} clusters: {each.seconds:.1f} s, "
        f"{each.mebibytes:.0f} MiB"
        for each in found
    )
    seconds = [(each.command, each.clusters, each.seconds) for each in found]
    memory = [(each.command, each.clusters, each.mebibytes) for each in found]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-labelledby="t d">',
        '<title id="t">Time and memory of fleet commands by the number of clusters</title>',
        f'<desc id="d">{told}.</desc>',
        f"<style>{STYLE}</style>",
        *_panel(LEFT, "Seconds", seconds),
        *_panel(LEFT + PANEL + GAP, "Peak of memory, MiB", memory),
        "</svg>",
    ]
    return "\n".join(parts)


def _panel(left: float, title: str, values: Sequence[tuple[str, int, float]]) -> Iterator[str]:
    bottom, width = HEIGHT - 60, PANEL - 20
    most = _round(max(value for _, _, value in values))
    widest = max(clusters for _, clusters, _ in values)

    def place(clusters: int, value: float) -> tuple[float, float]:
        return (
            left + width * clusters / widest,
            bottom - (bottom - TOP_EDGE) * value / most,
        )

    yield f'<text class="title" x="{left}" y="{TOP_EDGE - 26}">{title}</text>'
    for step in range(5):
        value = most * step / 4
        _, y = place(0, value)
        yield f'<line class="grid" x1="{left}" x2="{left + width}" y1="{y:.1f}" y2="{y:.1f}"/>'
        label = f'x="{left - 8}" y="{y + 4:.1f}" text-anchor="end"'
        yield f"<text {label}>{value:g}</text>"
    for clusters in sorted({each for _, each, _ in values}):
        x, _ = place(clusters, 0)
        yield f'<text x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{clusters}</text>'
    middle = f'x="{left + width / 2:.1f}" y="{bottom + 44}" text-anchor="middle"'
    yield f"<text {middle}>clusters, each with {NODES} Nodes and {PODS} pods</text>"
    ends = []
    for command in COMMANDS:
        points = [place(clusters, value) for name, clusters, value in values if name == command]
        listed = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        yield f'<polyline class="{command}" points="{listed}"/>'
        for x, y in points:
            yield f'<circle class="{command}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
        ends.append((points[-1][1], command))
    last = 0.0
    for y, command in sorted(ends):
        # Names do not cover each other.
        last = max(y + 4, last + 15)
        yield f'<text class="{command}" x="{left + width + 8}" y="{last:.1f}">{command}</text>'


def _round(value: float) -> float:
    """Return the next round number of which a quarter is one as well."""
    size = 4.0
    while size < value:
        size += 4 if size < 40 else 20 if size < 200 else 100
    return size


if __name__ == "__main__":
    main()
