"""Hostile and broken notebooks, and what must become of them."""
