"""Commands for the jobs of a forge: notes, issues, owners of files."""
