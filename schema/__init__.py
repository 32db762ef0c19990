"""The GraphQL contract and the one model behind it. Pure: knows no network, no clock, no environment."""
