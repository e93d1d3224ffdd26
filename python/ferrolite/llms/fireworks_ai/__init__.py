"""What other packages import of Fireworks."""
