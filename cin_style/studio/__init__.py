"""The studio: a page in the browser where people paint, blend and add styles (extra `studio`)."""
