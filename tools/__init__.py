"""Programs that keep the house: set-up, checks, generated pages, network files. No room imports them."""
