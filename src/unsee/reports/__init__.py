"""What a run found, for people: the HTML report, the table in the terminal and the model card.

Everything here reads the run folder only. Replies, names and file contents are hostile text: see ``safe``.
"""
