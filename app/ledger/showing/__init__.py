"""What people are shown of cases: the queue, one case, what followers read, what may be done now."""
