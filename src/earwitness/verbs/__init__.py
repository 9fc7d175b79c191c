"""The verbs: the public API, which the command line and the page call too."""
