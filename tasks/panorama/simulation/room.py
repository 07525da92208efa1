"""x"""
from tasks.panorama.simulation.street import build_street as build_room
