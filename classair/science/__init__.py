"""The science: pure functions from measurements to meaning. Each formula names its source."""
