"""Qualz: AI-moderated research interviews whose recordings survive anything."""
