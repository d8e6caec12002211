"""The pages of the dashboard, each with a main() that draws it."""
