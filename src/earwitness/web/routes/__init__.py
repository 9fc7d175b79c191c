"""The routes of the HTTP service, by what they answer."""
