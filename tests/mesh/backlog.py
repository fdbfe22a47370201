"""What is answered wrong as yet."""

# Faults, each with what is wrong: one that is right fails the run, until it is struck off here.
OPEN = {}
