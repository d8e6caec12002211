"""What surrounds the pages: start-up, readiness, health, uploads."""
