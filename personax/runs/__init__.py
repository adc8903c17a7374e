"""What every command shares: errors, atomic files, configuration, run folders, seeds."""
