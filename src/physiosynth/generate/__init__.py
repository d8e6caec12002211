"""Bundle -> checkpoint -> generator -> amplitude matching -> export."""
