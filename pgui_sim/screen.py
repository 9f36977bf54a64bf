"""What a person sees while a fleet is at work: bars with rate and time left (PGU-2)."""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

screen = Console(stderr=True)
_PROBLEMS_SHOWN = 10


class _Rate(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "", style="progress.data.speed")


def bars() -> Progress:
    """Progress bars on the screen; the output proper stays free for results."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=screen,
        refresh_per_second=4,
    )


def say(text: str, style: str = "") -> None:
    """One line, beside the bars."""
    screen.print(text, style=style, highlight=False, markup=False, soft_wrap=True)


def say_problems(problems: list[str]) -> None:
    """The first problems in words, and how many more there are."""
    for problem in problems[:_PROBLEMS_SHOWN]:
        say(problem, "yellow")
    if len(problems) > _PROBLEMS_SHOWN:
        say(f"... and {len(problems) - _PROBLEMS_SHOWN} more problems", "yellow")
