"""What the docks of one viewer share, and how it is kept."""
