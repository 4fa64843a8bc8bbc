"""Clients of which a plan says nothing, and for how long that stays so while nothing changes."""
