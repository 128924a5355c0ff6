"""Where the cells of ``unsee bench`` run: here, on a Ray cluster, as slurm jobs."""
