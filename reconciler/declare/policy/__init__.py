"""Documents of kind GuardrailPolicy, and the declaration under their rules."""
