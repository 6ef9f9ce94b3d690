"""Exercises of chapter 1, `nn.Module`."""
