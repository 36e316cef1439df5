"""What happened when: one timeline, procedures, restarts, reliability, clocks."""
