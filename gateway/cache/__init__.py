"""The kept bodies: the store, its backends, how long a body may be kept. Knows no plane and no job."""
