"""How the embedded world is asked: tables of sentences, one file per subject or language."""
