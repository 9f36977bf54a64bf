"""Pictures of the grid platform, drawn from plain data: what is drawn can be tested without looking.

    palette.py    colours of lights that colour-blind eyes can tell apart, with letters and hatching
    layout.py     where nodes stand: coordinates of the grid file, or a tree read off the topology
    schematic.py  the grid, nodes coloured by light, branches by loading
    heat_map.py   perimeters and directions against hours, coloured by light, with the capability
    cloud.py      operating points against hours, and active against reactive power (Natale Figure 3)
    profile.py    expected, potential and feasible power of a day (Natale Figure 4)
    curves.py     price against quantity (Natale Figure 1)
    of_day.py     what these show of a computed day
    formats.py    the kinds of files
    save.py       PNG or SVG, by the name of the file

Every drawing function takes data classes of its own module and returns a matplotlib figure. Nothing here
computes a power flow.
"""
