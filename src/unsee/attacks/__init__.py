"""Attacks: what somebody with the model in hand can find out or bring back. One family per file."""
