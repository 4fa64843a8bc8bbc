"""What the jobs of a forge say and find there; owners of files."""
