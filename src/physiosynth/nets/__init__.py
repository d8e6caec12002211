"""Networks that know no signal."""
