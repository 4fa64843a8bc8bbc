"""JSON Schemas: accept fast, explain well. Nothing here knows what a client is."""
