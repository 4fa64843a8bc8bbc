"""``plan`` and ``show``, and the formats of a plan."""
