"""Who is calling, and with what GES is asked for him: the modes. Knows no GraphQL and no job."""
