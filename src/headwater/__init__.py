"""Headwater: AWS data architectures on one machine, on engines that really run."""
