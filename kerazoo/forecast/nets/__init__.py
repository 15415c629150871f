"""The networks of a forecaster: members, windows, training, rollout."""
