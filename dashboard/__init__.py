"""One web application: the wall display, the working pages and the API."""
