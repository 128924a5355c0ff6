"""Jobs: what one command does from the first check to the last file of its run folder."""
