"""Signing in with a school's account at Google, Microsoft or another provider of OpenID Connect."""
