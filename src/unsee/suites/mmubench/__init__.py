"""MMUBench (Li et al., arXiv 2405.12523): its data, from released folders, our own or the embedded world."""
