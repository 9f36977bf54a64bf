"""`flexledger bench`: what the machine makes of the work, against a reference measured in the same run."""
