"""Makes reviews: one or many, notebooks and kernels, provenance, publishing."""
