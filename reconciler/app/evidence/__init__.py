"""The evidence log of an environment: its key, whether it holds, what it says."""
