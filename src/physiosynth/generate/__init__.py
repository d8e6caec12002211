"""Bundle -> checkpoint -> generator -> calibration -> export."""
