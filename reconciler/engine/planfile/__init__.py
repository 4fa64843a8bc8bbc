"""Saved plans: whether the plan that was reviewed may still be applied, and how one that was
interrupted goes on."""
