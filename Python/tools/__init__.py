"""What builds the wheel and writes the JSON Schemas."""
