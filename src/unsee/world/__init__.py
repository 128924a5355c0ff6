"""The embedded world: invented people and things, drawn on the spot, and the tiny model that knows them."""
