"""Widgets that know nothing of U-Nets: jobs, panels, forms, tables, plots."""
