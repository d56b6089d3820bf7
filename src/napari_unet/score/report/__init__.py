"""Scores as a page, a picture and a history."""
