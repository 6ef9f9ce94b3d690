"""Exercises of chapter 7, `Sequential`."""
