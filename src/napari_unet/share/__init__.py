"""Models that travel: packages that other programs open, and theirs opened here."""
