"""`flexledger dso` on files alone: lights, splits, curves, a year, pictures, and every wrong input."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from registry.cli.main import app
from registry.cli.outcome import EXIT_DONE, EXIT_REFUSED
from tests.unit.cli.dso_files import DsoFiles, figure_12_files
from tests.unit.grid.grid_house import Line

USED = {"used_1": 200.0, "used_2": 200.0}


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "120"})


def document(result: Result) -> dict[str, object]:
    assert result.exit_code == EXIT_DONE, result.output
    found: dict[str, object] = json.loads(result.stdout)
    return found


def refused(result: Result, *parts: str) -> None:
    assert result.exit_code == EXIT_REFUSED, result.output
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    assert lines and lines[-1].startswith("flexledger: ") and "Traceback" not in result.output
    for part in parts:
        assert part in lines[-1]


@pytest.fixture
def files(tmp_path: Path) -> DsoFiles:
    return figure_12_files(tmp_path)


def cells(found: dict[str, object], way: str) -> list[tuple[str, int | None]]:
    (perimeter,) = found["perimeters"]  # type: ignore[misc]
    return [(cell["colour"], cell["capability_kw"]) for cell in perimeter[way]]


# -------------------------------------------------------------------------------------------------- lights


@pytest.mark.rule("DTL-2", "GRD-1")
def test_lights_are_shown_with_what_limits_them(files: DsoFiles) -> None:
    shown = run("dso", "lights", *files.write(USED))
    assert shown.exit_code == EXIT_DONE, shown.output
    rows = [line.split() for line in shown.stdout.splitlines()]
    assert ["PS-MV", "▲", *["Y"] * 24] in rows and ["▼", *["Y"] * 24] in rows
    assert [
        "PS-MV",
        "▼",
        "0-23",
        "Y",
        "99",
        "line",
        "MV-SS_1",
        "above",
        "100%",
        "of",
        "its",
        "rating",
    ] in rows


@pytest.mark.rule("DTL-2", "GRD-1")
def test_lights_as_json(files: DsoFiles) -> None:
    found = document(run("dso", "lights", *files.write(USED), "--json"))
    assert (found["grid"], found["day"]) == ("grid", "2026-06-18")
    assert cells(found, "down") == [("yellow", 99)] * 24
    (perimeter,) = found["perimeters"]  # type: ignore[misc]
    assert perimeter["down"][5]["binding"] == "line MV-SS_1 above 100% of its rating"
    assert perimeter["number"] is None and "publication" not in found


@pytest.mark.rule("DTL-1")
def test_perimeters_can_be_a_file(files: DsoFiles) -> None:
    options = files.write(USED)
    table = files.path("p.csv")
    table.write_text("node,perimeter\nSS_1,one\nSS_2,two\n", encoding="utf-8")
    found = document(run("dso", "lights", *options, "--perimeters", table, "--json"))
    down = {p["perimeter"]: p["down"][0]["capability_kw"] for p in found["perimeters"]}  # type: ignore[attr-defined]
    assert down == {"one": 99, "two": 447}
    table.write_text("node,perimeter\nSS_1,one\n", encoding="utf-8")
    refused(run("dso", "lights", *options, "--perimeters", table), "DTL-1", "a_2", "b_2")


@pytest.mark.rule("DTL-3")
def test_planned_activations_make_the_opposite_red(files: DsoFiles) -> None:
    options = files.write(USED)
    plan = {"perimeter": "PS-MV", "hour": 5, "direction": "up", "power_kw": 100}
    files.path("plan.json").write_text(json.dumps({"activations": [plan]}), encoding="utf-8")
    found = document(run("dso", "lights", *options, "--activations", files.path("plan.json"), "--json"))
    down = cells(found, "down")
    assert down[5] == ("red", 0) and {cell for hour, cell in enumerate(down) if hour != 5} == {("yellow", 99)}


@pytest.mark.rule("GRD-1")
def test_reserves_narrow_the_lights(files: DsoFiles) -> None:
    options = files.write(USED)
    assert cells(document(run("dso", "lights", *options, "--loading", "0.7", "--json")), "down")[0][1] == 9
    for option, value in (("--loading", "0"), ("--reserve", "0.1"), ("--reserve", "-1")):
        refused(run("dso", "lights", *options, option, value), option)


@pytest.mark.rule("GRD-1")
def test_an_infeasible_base_case_is_never_green(files: DsoFiles) -> None:
    """320 kW used where 300 fit: down is red, up relieves and is yellow; in every hour."""
    found = document(run("dso", "lights", *files.write({"used_1": 320.0, "used_2": 200.0}), "--json"))
    assert cells(found, "down") == [("red", 0)] * 24
    assert {colour for colour, _ in cells(found, "up")} == {"yellow"}
    (perimeter,) = found["perimeters"]  # type: ignore[misc]
    assert perimeter["down"][0]["binding"].startswith("expected state: line MV-SS_1")


@pytest.mark.rule("GRD-1")
def test_a_grid_that_does_not_converge_is_red(tmp_path: Path) -> None:
    files = DsoFiles(tmp_path, [Line("PS", "A", 9e5, ohm=60.0)], {"load": "A"}, {"s": "A"})
    found = document(run("dso", "lights", *files.write({"load": 90_000.0}), "--json"))
    assert cells(found, "up") == cells(found, "down") == [("red", 0)] * 24
    shown = run("dso", "lights", *files.options("forecast.csv"))
    assert shown.exit_code == EXIT_DONE and "does not converge" in " ".join(shown.stdout.split())


# --------------------------------------------------------------------------------------------- wrong input


@pytest.mark.rule("GRD-1")
def test_a_pod_on_an_unknown_node_is_named(files: DsoFiles) -> None:
    options = files.write(USED)
    pods = json.loads(files.path("pods.json").read_text(encoding="utf-8"))
    pods["pods"][0]["node"] = "SS_9"
    files.path("pods.json").write_text(json.dumps(pods), encoding="utf-8")
    refused(run("dso", "lights", *options), "a_1")


@pytest.mark.rule("GRD-1")
def test_a_grid_without_pods_has_no_lights(files: DsoFiles) -> None:
    options = files.write(USED)
    files.path("pods.json").write_text('{"pods": []}', encoding="utf-8")
    refused(run("dso", "lights", *options), "GRD-1", "at least one POD")


@pytest.mark.rule("GRD-1", "TIM-1")
def test_a_forecast_of_the_wrong_day_is_named(files: DsoFiles) -> None:
    options = files.write(USED)
    options[-1] = "2026-06-19"
    refused(run("dso", "lights", *options), "wrong_day", "2026-06-18", "2026-06-19")
    options[-1] = "2026-03-29"
    refused(run("dso", "lights", *options), "forecast", "q91")
    options[-1] = "yesterday"
    refused(run("dso", "lights", *options), "TIM-1", "yesterday", "YYYY-MM-DD")


@pytest.mark.rule("TIM-1")
def test_short_and_long_days_have_their_hours(files: DsoFiles) -> None:
    for day, quarters in ((date(2026, 3, 29), 92), (date(2026, 10, 25), 100)):
        options = files.write(USED)
        files.forecast("f.csv", USED, day, quarters)
        options = files.options("f.csv", day)
        assert len(cells(document(run("dso", "lights", *options, "--json")), "up")) == quarters // 4


GARBAGE: dict[str, bytes] = {
    "empty": b"",
    "binary": b"\xff\xfe\x00\x80" * 20,
    "cut gzip": gzip.compress(b"day,element", mtime=0)[:-9],
    "deep": b"[" * 100_000,
    "json of another kind": b"[1, 2]",
}


@pytest.mark.parametrize("option", ["--grid", "--pods", "--forecast", "--perimeters", "--activations"])
@pytest.mark.parametrize("content", GARBAGE.values(), ids=GARBAGE)
def test_a_file_that_is_none_is_named(files: DsoFiles, option: str, content: bytes) -> None:
    options = files.write(USED)
    for name in ("bad", "bad.gz"):
        files.path(name).write_bytes(content)
        words = [*options]
        if option in words:
            words[words.index(option) + 1] = str(files.path(name))
        else:
            words += [option, str(files.path(name))]
        refused(run("dso", "lights", *words), option.removeprefix("--"))


@pytest.mark.parametrize("option", ["--grid", "--pods", "--forecast", "--perimeters", "--activations"])
def test_a_file_that_is_not_there_is_named(files: DsoFiles, option: str) -> None:
    options = files.write(USED)
    missing = str(files.path("nowhere"))
    words = [missing if i and options[i - 1] == option else word for i, word in enumerate(options)]
    words += [] if option in options else [option, missing]
    refused(run("dso", "lights", *words), "nowhere")


# ----------------------------------------------------------------------------------------------- perimeters


@pytest.mark.rule("DTL-5")
def test_suggested_splits_can_be_used_at_once(files: DsoFiles) -> None:
    options, out = files.write(USED), files.path("better.csv")
    found = document(run("dso", "perimeters", "suggest", *options, "--out", out, "--json"))
    assert found["after_kwh"] > found["before_kwh"]  # type: ignore[operator]
    (split,) = found["splits"]  # type: ignore[misc]
    assert (split["perimeter"], split["branch"][:6]) == ("PS-MV", "MV-SS_")
    after = document(run("dso", "lights", *options, "--perimeters", out, "--json"))
    assert {p["perimeter"] for p in after["perimeters"]} == {part["name"] for part in split["parts"]}  # type: ignore[attr-defined]
    down = sorted(p["down"][0]["capability_kw"] for p in after["perimeters"])  # type: ignore[attr-defined]
    assert down == [99, 447]


@pytest.mark.rule("DTL-5")
def test_lights_after_a_split_take_the_perimeters_before_it(files: DsoFiles) -> None:
    """The parts of Figure 12 have more by themselves; a partition that they do not split is refused."""
    options, table = files.write(USED), files.path("p.csv")
    table.write_text("node,perimeter\nSS_1,one\nSS_2,two\n", encoding="utf-8")
    after = [*options, "--perimeters", table]
    alone = document(run("dso", "lights", *after, "--json"))
    assert document(run("dso", "lights", *after, "--before", "feeders", "--json")) == alone
    refused(run("dso", "lights", *options, "--before", table), "DTL-5", "one, two")


@pytest.mark.rule("DTL-5")
def test_splits_are_shown_with_before_and_after(files: DsoFiles) -> None:
    out = files.path("better.csv")
    shown = run("dso", "perimeters", "suggest", *files.write(USED), "--out", out)
    assert shown.exit_code == EXIT_DONE, shown.output
    words = " ".join(shown.stdout.split())
    assert "PS-MV MV-SS_" in words and " before, " in words and " after" in words and str(out) in words


@pytest.mark.rule("DTL-5")
def test_no_split_is_said_so(files: DsoFiles) -> None:
    files.rated_kw = 10
    shown = run("dso", "perimeters", "suggest", *files.write())
    assert shown.exit_code == EXIT_DONE and shown.stdout.startswith("no split raises")


# ------------------------------------------------------------------------------------------ curves and year


@pytest.mark.rule("GRD-2")
def test_curves_from_prices(files: DsoFiles) -> None:
    options, prices = files.write(USED), files.prices()
    found = document(run("dso", "curves", *options, "--prices", prices, "--json"))
    assert len(found["curves"]) == 48  # type: ignore[arg-type]
    down = found["totals"]["down"]  # type: ignore[index]
    assert down["potential_wh"] == 24 * 4 * 400_000 and down["feasible_wh"] == 24 * 99_000
    assert down["unit_milli_eur_per_mwh"] == 54_000
    shown = run("dso", "curves", *options, "--prices", prices)
    words = " ".join(shown.stdout.split())
    assert "market potential, MWh" in words and "38.400" in words and "2.376 (-93.8%)" in words


@pytest.mark.rule("GRD-2")
def test_curves_from_bids(files: DsoFiles) -> None:
    options = files.write(USED)
    bid = {"pod": "a_1", "hour": 3, "direction": "down", "power_w": 150_000, "price_milli_eur_per_mwh": 9_000}
    files.path("bids.json").write_text(json.dumps({"bids": [bid]}), encoding="utf-8")
    found = document(run("dso", "curves", *options, "--bids", files.path("bids.json"), "--json"))
    (offered,) = [curve for curve in found["curves"] if curve["potential_w"]]  # type: ignore[attr-defined]
    assert (offered["hour"], offered["potential_w"], offered["feasible_w"]) == (3, 150_000, 99_000)
    assert offered["cost_neur"] == 99_000 * 9_000
    bid["power_w"] = 400_001
    files.path("bids.json").write_text(json.dumps({"bids": [bid]}), encoding="utf-8")
    refused(run("dso", "curves", *options, "--bids", files.path("bids.json")), "GRD-2", "400001 W")


@pytest.mark.rule("GRD-2")
def test_curves_need_prices_or_bids(files: DsoFiles) -> None:
    options, prices = files.write(USED), files.prices()
    refused(run("dso", "curves", *options), "GRD-2", "neither")
    both = run("dso", "curves", *options, "--prices", prices, "--bids", prices)
    refused(both, "GRD-2", "found --prices and --bids, allowed one of --prices, --bids, --product")


@pytest.mark.rule("GRD-2")
def test_a_year_of_typical_days(files: DsoFiles) -> None:
    options = files.write(USED)
    files.prices()
    files.forecast("quiet.csv", {})
    rows = ["2026-06-18,forecast.csv,prices.csv,300", "2026-06-18,quiet.csv,prices.csv,65"]
    files.path("days.csv").write_text("\n".join(["day,forecast,prices,days", *rows]), encoding="utf-8")
    grid = options[: options.index("--forecast")]
    found = document(run("dso", "year", *grid, "--days", files.path("days.csv"), "--json"))
    assert (found["days_computed"], found["days"]) == (2, 365)
    assert found["totals"]["down"]["potential_wh"] == 365 * 24 * 4 * 400_000  # type: ignore[index]
    days = [
        document(run("dso", "curves", *files.options(name), "--prices", files.path("prices.csv"), "--json"))
        for name in ("forecast.csv", "quiet.csv")
    ]
    for way in ("up", "down"):
        for figure in ("feasible_wh", "cost_neur"):
            one, other = (day["totals"][way][figure] for day in days)  # type: ignore[index]
            assert found["totals"][way][figure] == 300 * one + 65 * other  # type: ignore[index]
    shown = run("dso", "year", *grid, "--days", files.path("days.csv"), "--case", "B")
    assert "2 days computed, for 365" in shown.stdout and "per year" in shown.stdout
    files.path("days.csv").write_text("day,forecast,prices,days\n" + rows[0], encoding="utf-8")
    refused(run("dso", "year", *grid, "--days", files.path("days.csv")), "GRD-2", "a sum of 300")


@pytest.mark.rule("GRD-2")
def test_case_a_leaves_end_users_out(files: DsoFiles) -> None:
    options, prices = files.write(USED), files.prices()
    pods = json.loads(files.path("pods.json").read_text(encoding="utf-8"))
    load = {"name": "used_1", "technology": "load", "rated_w": 400_000}
    pods["pods"].append({"key": "shop", "node": "SS_1", "elements": [load], "up_kw": 400, "down_kw": 400})
    files.path("pods.json").write_text(json.dumps(pods), encoding="utf-8")
    potential = {}
    for case in "ab":
        found = document(run("dso", "curves", *options, "--prices", prices, "--case", case, "--json"))
        potential[case] = found["totals"]["down"]["potential_wh"]  # type: ignore[index]
    assert potential["b"] - potential["a"] == 24 * 10_000, "a twentieth of 200 kW"


# ------------------------------------------------------------------------------------------------- pictures


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [("grid", ".svg"), ("lights", ".png"), ("cloud", ".svg"), ("profile", ".png"), ("curve", ".svg")],
)
def test_every_kind_of_picture_is_written(files: DsoFiles, kind: str, suffix: str) -> None:
    options = [*files.write(USED), "--perimeter", "PS-MV", "--prices", str(files.prices())]
    picture = files.path(f"p{suffix}")
    shown = run("dso", "draw", kind, picture, *options)
    assert shown.exit_code == EXIT_DONE, shown.output
    content = picture.read_bytes()
    assert content.startswith(b"\x89PNG" if suffix == ".png" else b"<?xml")
    assert suffix == ".png" or b"2026-06-18" in content


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (lambda f: ["grid", f.path("p.gif")], ["p.gif", ".png or .svg"]),
        (lambda f: ["cloud", f.path("p.png")], ["GRD-2", "perimeter", "PS-MV"]),
        (lambda f: ["lights", f.path("p.png"), "--perimeter", "nowhere"], ["nowhere", "PS-MV"]),
        (lambda f: ["grid", f.path("p.png"), "--hour", "24"], ["TIM-1", "0 to 23"]),
        (lambda f: ["curve", f.path("p.png"), "--perimeter", "PS-MV"], ["--prices"]),
        (lambda f: ["map", f.path("p.png")], ["map"]),
    ],
)
def test_a_picture_that_cannot_be_drawn_is_refused(
    files: DsoFiles, words: Callable[[DsoFiles], list[object]], parts: list[str]
) -> None:
    refused(run("dso", "draw", *words(files), *files.write(USED)), *parts)
    assert not files.path("p.png").exists()
