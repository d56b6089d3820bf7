"""The dock widgets: they show what the core does and hold no science of their own."""
