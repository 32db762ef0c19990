"""The two REST surfaces of GES. Upstream spellings live in this folder and nowhere else."""
