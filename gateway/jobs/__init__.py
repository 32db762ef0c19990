"""The Jobs port: which upstream reads answer a question about jobs, and how their answers become one model."""
