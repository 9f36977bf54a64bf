"""Reading the mirror: one module per topic, each returning the views of :mod:`registry.views`."""
