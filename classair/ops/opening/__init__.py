"""Opening an installation to the school's network and the internet: proxy, certificate, the broker for devices."""
