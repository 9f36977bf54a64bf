"""`flexledger dso`: what a DSO's technical platform computes, shows and publishes."""
