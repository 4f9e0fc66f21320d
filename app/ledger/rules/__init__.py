"""The county's rules as data: policies, settings, categories, reasons and calendar days, edited on record."""
