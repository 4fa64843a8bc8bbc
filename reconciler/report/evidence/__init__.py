"""What the evidence log says, for people and machines."""
