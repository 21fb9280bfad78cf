"""The command line of the benchmark."""

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.build import BENCH, CannotBuild, program
from bench.figures import summarize
from bench.growth import PEERS_OF_GROWTH, growths
from bench.growth_table import print_growth
from bench.peers.registry import PEERS
from bench.plan import Work
from bench.process import ProcessFailed
from bench.report import render
from bench.results import Results
from bench.runner import Runner, Step
from bench.scenarios import SCENARIOS, Point
from bench.settings import FULL, GROWTH, QUICK, SMOKE, Settings
from bench.smoke import SMOKE_PEERS, smoke_work
from bench.soak import SoakFailed
from bench.soak import soak as soak_peer
from bench.table import print_comparison, print_results

DRAIN_SECONDS: Final = 60.0
INTERRUPTED: Final = 130  # as a shell reports what Ctrl+C ended
PIPE_WIDTH: Final = 180
OUTPUT_HELP: Final = "The JSON file; the default is a new one in var/bench."
OUTPUT: Final = BENCH.parent / "var" / "bench"


@click.group()
def main() -> None:
    """Compare slysock with the servers that one would otherwise run. Everything stays on 127.0.0.0/8."""


@main.command()
def quick() -> None:
    """Run the most telling points. That takes less than five minutes."""
    sys.exit(_run(QUICK, _points(SCENARIOS, lambda point: point.quick), list(PEERS), None))


@main.command()
def full() -> None:
    """Run every point of every scenario. That takes hours."""
    sys.exit(_run(FULL, _points(SCENARIOS, lambda _point: True), list(PEERS), None))


@main.command()
@click.option("--peer", "peers", multiple=True, type=click.Choice(list(PEERS)), help="Only this one; repeatable.")
@click.option("--repetitions", type=click.IntRange(min=1), default=GROWTH.repetitions, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), help=OUTPUT_HELP)
def growth(peers: tuple[str, ...], repetitions: int, output: Path | None) -> None:
    """Measure how cost grows with numbers. Deliveries, room operations and connections, in ten minutes."""
    settings = replace(GROWTH, repetitions=repetitions)
    sys.exit(_run(settings, _points(SCENARIOS, lambda point: point.growth), peers or PEERS_OF_GROWTH, output))


@main.command()
@click.argument("scenarios", nargs=-1, required=True, type=click.Choice(list(SCENARIOS)))
@click.option("--peer", "peers", multiple=True, type=click.Choice(list(PEERS)), help="Only this one; repeatable.")
@click.option("--point", "points", multiple=True, help="Only points whose label contains this; repeatable.")
@click.option("--quick-points", is_flag=True, help="Only the points of the quick mode.")
@click.option("--repetitions", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--seconds", type=click.FloatRange(min=0.01), default=1.0, show_default=True, help="Measured, each run.")
@click.option("--warmup", type=click.FloatRange(min=0.0), default=0.5, show_default=True, help="Discarded, each run.")
@click.option("--output", type=click.Path(path_type=Path), help=OUTPUT_HELP)
def run(
    scenarios: tuple[str, ...],
    peers: tuple[str, ...],
    points: tuple[str, ...],
    quick_points: bool,
    repetitions: int,
    seconds: float,
    warmup: float,
    output: Path | None,
) -> None:
    """Run scenarios by name (see `list`)."""

    def wanted(point: Point) -> bool:
        return (point.quick or not quick_points) and (not points or any(text in point.label for text in points))

    settings = Settings(
        mode="run",
        repetitions=repetitions,
        context_repetitions=repetitions,
        warmup_seconds=warmup,
        seconds=seconds,
        drain_seconds=DRAIN_SECONDS,
    )
    sys.exit(_run(settings, _points(scenarios, wanted), peers or list(PEERS), output))


@main.command(name="list")
def list_() -> None:
    """List the scenarios, their points and the peers."""
    for scenario in SCENARIOS.values():
        click.echo(f"{scenario.name}: {scenario.title}")
        for point in scenario.points:
            modes = [mode for mode, has_it in (("quick", point.quick), ("growth", point.growth)) if has_it]
            click.echo("    ".join(("", point.label, *modes)))
    click.echo("peers: " + ", ".join(PEERS))


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def show(file: Path) -> None:
    """Print the tables of a JSON file again."""
    _print(_console(), _load(file))


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("page", type=click.Path(dir_okay=False, path_type=Path), required=False)
def report(file: Path, page: Path | None) -> None:
    """Write the HTML report of a JSON file. It goes beside the file, unless PAGE says where."""
    target = page or file.with_suffix(".html")
    target.write_text(render(_load(file)))
    click.echo(f"Saved as {os.path.relpath(target)}")


@main.command()
@click.argument("before", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("after", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--all", "everything", is_flag=True, help="Also show what is noise.")
def compare(before: Path, after: Path, everything: bool) -> None:
    """Compare two JSON files. Says of each change whether it is more than noise."""
    print_comparison(_console(), _load(before), _load(after), everything=everything)


@main.command()
@click.option(
    "--peer",
    "peers",
    multiple=True,
    type=click.Choice(list(PEERS)),
    help="In place of slysock; repeatable.",
)
def smoke(peers: tuple[str, ...]) -> None:
    """Test the harness. Runs every scenario for an instant, with few clients; the figures mean nothing."""
    sys.exit(_run(SMOKE, list(smoke_work()), peers or SMOKE_PEERS, None))


@main.command()
@click.option("--minutes", default=10.0, show_default=True, type=click.FloatRange(min=0.1))
@click.option("--peer", default="slysock", show_default=True, type=click.Choice(list(PEERS)))
def soak(minutes: float, peer: str) -> None:
    """Test a server for memory leaks. Clients connect, publish and leave for minutes."""
    console = _console()
    try:
        soak_peer(peer, minutes, console.print)
    except (SoakFailed, ProcessFailed) as error:
        raise click.ClickException(str(error)) from None


def _load(file: Path) -> Results:
    try:
        return Results.load(file)
    except (ValueError, msgspec.MsgspecError) as error:
        raise click.ClickException(f"{file} holds no results: {error}") from None


def _console() -> Console:
    """Return a console; where its width is unknown, as in a pipe, it is as wide as the tables."""
    return Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH)


def _points(names: Iterable[str], wanted: Callable[[Point], bool]) -> list[Work]:
    """Choose points of scenarios, leaving out scenarios without any."""
    chosen = [(SCENARIOS[name], [point for point in SCENARIOS[name].points if wanted(point)]) for name in names]
    return [(scenario, points) for scenario, points in chosen if points]


def _print(console: Console, results: Results) -> None:
    print_results(console, results)
    print_growth(console, growths(summarize(results.runs)))


def _run(settings: Settings, work: Sequence[Work], peers: Sequence[str], output: Path | None) -> int:
    """Run, print, save. Returns the exit status: 0, or 1 if a run failed, 2 without a compiler, INTERRUPTED."""
    console = _console()
    try:
        program("launch")
        program("generator")
        program("speed")
    except CannotBuild as error:
        console.print(str(error), style="red", markup=False)
        return 2
    if output is None:
        output = OUTPUT / f"{datetime.now().astimezone():%Y-%m-%d-%H%M%S}-{settings.mode}.json"
    OUTPUT.mkdir(parents=True, exist_ok=True)
    # Databases are in it, too: not below /tmp, which may be memory, where a commit costs nothing.
    # Also where we were started with signals ignored, as a shell does to what runs in its background.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="running-", dir=OUTPUT) as logs, _progress(console) as watch:
        runner = Runner(settings, peers, Path(logs), watch, console.print)
        results = runner.run(work)
    _print(console, results)
    results.save(output)
    page = output.with_suffix(".html")
    page.write_text(render(results))
    console.print(f"Saved as {os.path.relpath(output)} and {page.name}", highlight=False)
    if runner.interrupted:
        return INTERRUPTED
    return 1 if any(run.failure for run in results.runs) else 0


@contextmanager
def _progress(console: Console) -> Generator[Callable[[Step], None]]:
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    # Drawn between runs only: a bar that moves while something is measured takes its time from that.
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, auto_refresh=False) as progress:
        task = progress.add_task("starting")

        def watch(step: Step) -> None:
            progress.update(task, completed=step.number, total=step.total or None, description=step.text, refresh=True)

        yield watch
