"""The pictures in README.md, and what takes them."""
