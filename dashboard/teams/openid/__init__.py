"""Signing in with a provider of OpenID Connect. `claims.py` is what it says of somebody, `provider.py` the protocol."""
