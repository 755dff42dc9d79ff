"""A small made-up world in eight languages, for the demo and its tests."""
