"""The AWS language: service models, wire protocols, signatures, ARNs and error shapes. Knows no service and no storage."""
