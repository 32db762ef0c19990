"""The parts of GraphQL over HTTP, each without the others: shape of requests, media types, running, answers."""
