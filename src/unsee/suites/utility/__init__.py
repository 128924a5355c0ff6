"""What a model can still do: POPE, MME, VQA and multiple choice over local files, and a bridge to lmms-eval.

Each file of this folder has a loader (files to questions; nothing is downloaded) and a scorer (replies to
figures). A bad row is named with its file and line.
"""
