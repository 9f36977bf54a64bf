"""The DSO's technical platform: power flow, traffic lights, static lights, local needs.

Rules: GRD-1, GRD-2 (static lights), DTL-1, DTL-2, DTL-3, DTL-5, POD-2. Method and limits: ``docs/grid.md``.

The only room that knows power-flow libraries. Numbers here are floats in kW, W, per unit; what leaves the
room towards the ledger is integer kW, rounded down.

    network.py      a grid file read, checked, and every fault of it listed
    network_checks.py    what can be wrong with a power-grid-model document
    codes.py        SimBench codes and the fixtures that stand for them
    pandapower_tables.py, _buses.py, _trafo.py, _grid.py    a pandapower net as such a document
    forecast.py     a day of expected load and generation per element, every bad cell named
    forecast_rows.py     CSV and Parquet
    forecast_carriers.py    which elements carry what is forecast for a POD or a node
    pods.py         PODs on the grid: node, elements, technologies, what each can move in a quarter-hour
    perimeters.py   feeders from the topology; a partition checked (DTL-1)
    state.py        expected state of a day: forecast, planned local activations, ranges that are left
    powerflow.py    batches of AC power flows; a failed one is masked, never read as voltage 0
    violations.py   limits on voltage and loading, margins, the worst element named
    sensitivity.py  what 1 kW more at a POD does to every voltage and loading
    robust.py       largest kW that is safe for any placement: one hour as a set of linear rows
    capability.py   the capabilities of a day, corrected and verified by AC power flow
    lights.py       colours per perimeter, hour and direction
    static_light.py what a POD alone can move in every expected hour
    planning.py     the local activations that cure an expected violation
    results.py      the types that leave this room
"""
