"""The simulator: whole replicas over a fault folder, under virtual time, from one seed."""
