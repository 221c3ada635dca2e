"""The town's page for everybody: schools and not rooms, half an hour behind, made once for all who look."""
