"""The command line about jobs: a client of this gateway's own API, for scripts and terminals."""
