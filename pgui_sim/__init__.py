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
``stored``          one device as it is kept
``shard_schema``    the tables of a shard, and their rows
``state``           what a device must not lose: one SQLite database per shard of the fleet
``queue``           statements not yet answered (store and forward)
``uplink``          the way to the access node, with retries
``window``          requests under way at once, but not too many
``orders``          what a run is asked to do, and what it did
``shard_run``       one process's part of a run
``crew``            the processes
``pod_entry``       what a device is made from
``fleet_file``      the file a small fleet is made from
``fleet``           a fleet from a file: made, run, counted
``profiles``        a real day's load and generation, shared by a city
``city``            a fleet of any size from a few figures
``city_run``        that fleet at work, quarter-hour by quarter-hour
``keys_file``       a city's public keys, for binding
``memory``          resident memory of a process
``screen``          progress bars
``bench``           signing, held against raw ECDSA
==================  ===============================================================================
"""
