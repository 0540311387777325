"""Published figures of the service, of England and of other services."""
