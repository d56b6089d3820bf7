"""Corrections of numbered objects, each a small change that can be taken back."""
