"""Who has to agree to a plan, and who answers for a file of the declaration."""
