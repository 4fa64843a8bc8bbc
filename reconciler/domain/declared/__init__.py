"""What the declaration says, resolved for one environment."""
