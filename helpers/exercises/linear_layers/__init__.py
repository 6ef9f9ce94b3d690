"""Exercises of chapter 6, linear layers and other layers."""
