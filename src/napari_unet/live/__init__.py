"""Training while somebody paints: what is painted is learnt, what is seen predicted."""
