"""What a policy asks of a declared client: built-in rules, and rules of one's own in CEL.

How a rule blocks a plan is up to ``guards.policy``; how it may be loosened, to ``loosening``.
"""
