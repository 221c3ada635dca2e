"""The store on InfluxDB of any generation."""
