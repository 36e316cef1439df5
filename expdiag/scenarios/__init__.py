"""Clusters made up for training and tests, written out as the bundles a customer would send."""
