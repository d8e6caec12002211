"""The page: controls, figures and the worker that samples. No science."""
