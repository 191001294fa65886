"""From the pages that i-eval Discovery publishes to a warehouse: the flow in ten lines."""
