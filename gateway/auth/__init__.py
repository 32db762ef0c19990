"""Who is calling: one module a mode, each turning request headers into a Caller. Knows no GraphQL and no plane."""
