"""Tables of kinds: what an action can be, and what a credential can be."""
