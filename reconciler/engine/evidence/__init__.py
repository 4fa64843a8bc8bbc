"""The evidence log of an environment: an entry for each run, its files in git, and what stands
between the two."""
