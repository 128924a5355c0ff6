"""Benchmarks: named splits of questions and the rules that score the replies."""
