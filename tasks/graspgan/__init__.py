"""From simulated grasps to a predictor of real ones: domain adaptation, judged against controls."""
