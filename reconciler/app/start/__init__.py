"""A new repository."""
