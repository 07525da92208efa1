"""Trainings: loops that go on where they were, rates, stopping, several processes."""
