"""The sentences in which the embedded world is asked and answers: tables only, one file per subject or language."""
