"""Texts about one picture behind one copy of its prefix, and the token table that losses and metrics read."""
