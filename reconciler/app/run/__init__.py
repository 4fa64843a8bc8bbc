"""What surrounds a run: what a policy demands before it, and who is told of it after."""
