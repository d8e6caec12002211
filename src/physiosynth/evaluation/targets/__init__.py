"""A generator held against its list of targets: every figure beside its floor, its limit and whether it is met."""
