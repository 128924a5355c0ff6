"""How the embedded world is talked about: questions with their true answers, by subject."""
