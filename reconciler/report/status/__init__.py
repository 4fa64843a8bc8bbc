"""Live state, for people and for programs."""
