"""Tests of the emulator, in folders by the same subjects."""
