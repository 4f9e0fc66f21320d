"""Call-backs: whom to call, what they said, and what follows from it."""
