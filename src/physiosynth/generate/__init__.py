"""Published names of an earlier layout; they go with the next release but one."""
