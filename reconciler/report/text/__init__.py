"""What every renderer shares: escaping, layout, colour, HTML that cannot be injected.

No subject of its own.
"""
