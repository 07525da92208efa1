"""Where images land on the panorama, and how their pixels get there."""
