"""A simulated PGUI: the certifying device at a POD, as its own program (PGU-1, PGU-2).

It shares no code with the register, only ``docs/formats`` and ``tests/vectors``: a real device can take its
place.

==================  ===============================================================================
module              what it knows
==================  ===============================================================================
``cbor``            the few forms of deterministic CBOR that the formats use
``statement``       readings and executions: their bytes, signed
``setpoint``        setpoints: their bytes, checked
``keystore``        a device's private key, which never leaves it
``meter``           profile and response of the plant -> energies of a quarter-hour
``ems``             how a plant follows a setpoint, imperfectly
``clock``           drift, and when the device may call itself synchronised
``device``          one device: takes setpoints, certifies its quarter-hours, answers
``faults``          what a broken or hostile device would send
``state``           what a device must not lose: one SQLite database per shard of the fleet
``queue``           statements not yet answered, and the answers (store and forward)
``uplink``          the way to the access node, with retries
``fleet_file``      the file a fleet is made from
``fleet``           many devices: made, run, counted
==================  ===============================================================================
"""
