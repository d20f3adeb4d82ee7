"""What layers compute, for every front end: NumPy on exact arrays without the event axis."""
