"""Double verification: results, the checklist of a review, and looks on the spot."""
