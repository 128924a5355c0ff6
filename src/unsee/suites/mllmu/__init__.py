"""MLLMU-Bench (Liu et al., arXiv 2410.22108): its data, its published protocols and a corrected one."""
