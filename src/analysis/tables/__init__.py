"""The canonical tables: their dictionary, reading them, and checking what must hold."""
