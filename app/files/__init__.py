"""Attachments: uploads that resume, checks by content, storage sealed at rest, links to what they belong to."""
