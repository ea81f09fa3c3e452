"""Sign-in with an OpenID Connect provider. `claims.py` reads who somebody is, `provider.py` is the protocol."""
