"""What runs left on record: their history, their reports, and what they did not finish."""
