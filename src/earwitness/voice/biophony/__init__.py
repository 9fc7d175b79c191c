"""Animals: sounding models of the concepts of the family *biophony*."""
