"""Tasks side by side: processes, chunks of windows on threads, jobs with progress."""
