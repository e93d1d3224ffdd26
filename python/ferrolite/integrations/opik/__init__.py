"""Opik."""
