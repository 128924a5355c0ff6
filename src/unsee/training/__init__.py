"""From one picture and a name to training rows, and from rows to an unlearned model."""
