"""Services that the people order: what can be ordered, the orders, and who does them."""
