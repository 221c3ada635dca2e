"""Light pages made on the server: wall displays and signing in. No framework in the browser, no inline script."""
