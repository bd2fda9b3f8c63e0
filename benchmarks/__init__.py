"""What this project costs: time and memory, as ratios within one run. Measured, never asserted."""
