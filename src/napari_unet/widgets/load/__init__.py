"""The Load dock: files and projects become layers."""
