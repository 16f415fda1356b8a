"""The world of the image benchmark: its language, its pictures, its prompts."""
