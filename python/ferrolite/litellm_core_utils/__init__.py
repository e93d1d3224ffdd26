"""Inner modules of LiteLLM that other packages import: thin names for what is elsewhere here."""
