"""A folder of YAML and JSON files as a source of objects, followed while it changes."""
