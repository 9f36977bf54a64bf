"""The demo: one delivery day of a real grid, from registration to a settlement that an outsider
re-derives.
"""
