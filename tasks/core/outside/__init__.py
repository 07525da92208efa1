"""What comes from outside the house: places, documents and trees, checked before they are used."""
