"""How good a run's generated sounds are: what is measured, and the page that shows it."""
