"""Training of the small models that ship with the project, from nothing."""
