"""How much reactive power local plants can give, and what it costs (GRD-3).

Source: Natale et al. 2022, section 5. It names three curves, by technology and rated apparent power Sn:

    semicircle          static generators from 400 kW on: Q up to sqrt(Sn² - P²)
    limited semicircle  static generators below 400 kW: the same, and never beyond the reactive power of
                        cos phi 0.9 at Sn
    rectangle           wind turbines (doubly fed or full converter): the reactive power of cos phi 0.95 at
                        Sn, whatever P is

The source connects programmable plants (biomass, hydro) directly and gives no curve for them, nor for loads:
they give nothing here. A storage is connected through an inverter, hence static. Sn is the element's rating
in the POD's data. Reactive power is paid per Mvarh at 5 % of the hour's purchase price of energy.
"""

from __future__ import annotations

import math
from enum import Enum
from typing import Final

import numpy as np
import numpy.typing as npt

from registry.grid.pods import Technology

Floats = npt.NDArray[np.float64]

SEMICIRCLE_FROM_W: Final = 400_000
_SMALL_STATIC: Final = math.sin(math.acos(0.9))
_WIND: Final = math.sin(math.acos(0.95))
_STATIC: Final = ("pv", "storage")
_PRICE_SHARE: Final = (5, 100)


class Curve(Enum):
    """Shape of the reactive capability of one element."""

    NONE = "none"
    SEMICIRCLE = "semicircle"
    LIMITED_SEMICIRCLE = "limited semicircle"
    RECTANGLE = "rectangle"


def curve_of(technology: Technology, rated_w: float) -> Curve:
    """The curve of an element by its technology and rating (GRD-3)."""
    if technology == "wind":
        return Curve.RECTANGLE
    if technology in _STATIC:
        return Curve.SEMICIRCLE if rated_w >= SEMICIRCLE_FROM_W else Curve.LIMITED_SEMICIRCLE
    return Curve.NONE


def largest_var(technology: Technology, rated_w: float, p_w: Floats) -> Floats:
    """The most reactive power, in var and 0 or more, that an element gives or takes at each active power
    ``p_w`` (W).

    A power beyond the rating leaves nothing on the semicircles.
    """
    curve = curve_of(technology, rated_w)
    if curve is Curve.NONE:
        return np.zeros_like(p_w)
    if curve is Curve.RECTANGLE:
        return np.full_like(p_w, _WIND * rated_w)
    circle: Floats = np.sqrt(np.maximum(rated_w**2 - p_w**2, 0.0))
    return circle if curve is Curve.SEMICIRCLE else np.minimum(circle, _SMALL_STATIC * rated_w)


def support_cost_milli_eur(varh: float, purchase_milli_eur_per_mwh: int) -> int:
    """Price of reactive energy (either sign counts alike) in whole milli-euro, rounded up.

    The integer ceiling leaves a tolerance of a thousandth of a milli-euro for the float energy.
    """
    share, whole = _PRICE_SHARE
    cost = abs(varh) / 1e6 * purchase_milli_eur_per_mwh * share / whole
    return max(math.ceil(cost - 1e-3), 0)
