"""From settings to a gateway: what is built, and from what. With `app`, what names adapters."""
