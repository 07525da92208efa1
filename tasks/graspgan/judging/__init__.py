"""How settings are judged: areas under the ROC curve by scene, label factors, verdicts."""
