"""CEL expressions, evaluated in a process of their own with limits."""
