"""Forms out, files in."""
