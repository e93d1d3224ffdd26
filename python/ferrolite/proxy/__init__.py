"""What programs written for LiteLLM's proxy import. The gateway itself is not in Python: see `ferrolite.gateway`."""
