"""Village talks (村民说事): minutes, and what was said there as reports of its own."""
