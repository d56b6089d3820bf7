"""Scores of borders, and what makes them forgiving."""
