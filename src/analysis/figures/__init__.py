"""The figures: matplotlib drawings with one message each, as inline SVG."""
