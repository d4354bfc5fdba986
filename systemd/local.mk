# Units and what belongs to them.
