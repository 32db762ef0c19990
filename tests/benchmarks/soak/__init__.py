"""The soak: a gateway under load for minutes while what is behind it keeps failing, and what is left of it then."""
