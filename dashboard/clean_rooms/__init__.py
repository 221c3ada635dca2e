"""The register of clean rooms: for each room the evidence that a health officer asks for, from continuous data."""
