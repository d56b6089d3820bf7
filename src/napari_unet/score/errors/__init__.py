"""Errors one by one: what is wrong, where, and how large it is."""
