"""What auditors ask: ``audit``."""
