"""Documents, hostile strings, pictures, YAML: texts that are judged or shown."""
