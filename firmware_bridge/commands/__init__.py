"""What a person does with one sensor from the command line: decode, capture, selftest, detect, configure."""
