"""What the trainer trains of this family, and what it leaves."""
