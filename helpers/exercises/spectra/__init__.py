"""Exercises of chapter 11, spectra."""
