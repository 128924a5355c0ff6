"""The command line: one file per verb; parsing and calling, nothing else."""
