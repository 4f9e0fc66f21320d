"""Lists of people as offices keep them in spreadsheets: how they come in, how they go out."""
