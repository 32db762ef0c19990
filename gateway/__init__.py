"""The gateway: everything around the contract that can fail for reasons outside the process."""

VERSION = "0.2.1"
