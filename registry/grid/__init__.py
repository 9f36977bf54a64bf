"""The DSO's technical platform: power flow, traffic lights, static lights, local needs, curves, splits, the
day afterwards, pictures.

Rules: GRD-1, GRD-2, GRD-3, DTL-1, DTL-2, DTL-3, DTL-5, POD-2. Method and limits: ``docs/grid.md``.

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
    sensitivity.py  what 1 kW or 1 kvar more at a POD does to every voltage and loading
    robust.py       largest kW that is safe for any placement: one hour as a set of linear rows
    capability.py   the capabilities of a day
    hour_work.py    one hour of it: its rows, and what its cells get
    ac_steps.py     hours corrected and verified by AC power flow
    worst_cases.py  the placements that use a limit most, between the ends too
    day_capability.py    what comes out, and what of it is published
    before_split.py what a day after a split keeps of the day before it (DTL-5)
    reactive_capability.py  reactive power by technology and size, and its price (GRD-3)
    reactive_providers.py   the PODs that give it, how much each has, on which terms
    reactive_opf.py         one operating point cured by reactive power at least cost
    reactive_program.py     the linear program of it
    reactive_circulation.py reactive power that goes round among plants, where to begin with it
    operating_points.py     points over the joint ranges: green, orange, red, counted
    reactive_plan.py        setpoints of an hour by linear programming
    supported_day.py        a day with setpoints applied: power flow, rows, programs
    reactive_support.py     the capability that setpoints add, verified with them
    lights.py       colours per perimeter, hour and direction
    static_light.py what a POD alone can move in every expected hour
    planning.py     the local activations that cure an expected violation
    results.py      the types that leave this room
    bids.py         what PODs offer: Natale's rational bidder, or a file
    curves.py       price-quantity curves, what of them is feasible, and their totals
    splits.py       cuts of perimeters that raise the sum of capability
    expost.py       what activations did to limits, by readings and baselines
    expost_shares.py     the part of each perimeter in it
    expost_findings.py   the types of it
    pictures/       drawings from plain data; the only place that knows the drawing library
    activations.py, typical_days.py, json_files.py  further files that are read
"""
