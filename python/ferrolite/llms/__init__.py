"""Providers in Python: see `ferrolite.llms.custom_llm`."""
