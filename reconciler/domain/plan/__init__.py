"""A plan, a run, and what was found in them."""
