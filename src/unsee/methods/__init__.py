"""Unlearning methods: one file each, nothing but mathematics and numbers; the registry knows them by name."""
