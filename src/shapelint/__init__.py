"""shapelint."""
