"""Slipway beside what people build such images with today, up to the pushed image, on one machine in one go."""
