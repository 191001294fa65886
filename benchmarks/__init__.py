"""Measurements of the warehouse job on generated pages: corpus, peer, stop-watch. No part of a run or of the tests."""
