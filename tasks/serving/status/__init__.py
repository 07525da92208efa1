"""How models stand, and the page that shows it to people."""
