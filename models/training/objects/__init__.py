"""Foreign objects and medical devices drawn as attenuation and laid over real films by Beer-Lambert's law."""
