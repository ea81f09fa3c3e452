"""What a share link hides, taken out of a run's documents before anything is rendered."""
