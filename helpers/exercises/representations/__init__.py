"""Exercises of chapter 9, representations."""
