"""From what is asked to a plan: targets, questions, the terms before, renderings."""
