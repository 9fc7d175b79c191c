"""The register of weights, and the one loader of them; nothing here loads at import."""
