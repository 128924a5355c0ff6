"""Pure functions on text, numbers and records: what a reply is, how much was kept, with intervals.

Nothing here sees a model. Every metric has a page in :mod:`unsee.metrics.info`.
"""
