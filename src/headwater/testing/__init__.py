"""For those who test their own code against Headwater: a plug-in of pytest. Nothing in the house knows it."""
