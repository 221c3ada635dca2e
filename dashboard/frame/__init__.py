"""The frame around the working pages: routes, and the parts pages are built of."""
