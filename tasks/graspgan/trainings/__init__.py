"""How the networks are trained: on labels, against a domain classifier, against discriminators."""
