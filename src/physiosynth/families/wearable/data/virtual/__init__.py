"""The virtual cohort's subjects: one file an organ, all driven by one timeline and one set of traits."""
