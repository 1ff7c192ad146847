"""Finds secrets and personal data in what a person wrote, in time linear in its length."""

from pointsman.routing.privacy.detector import Detector, Level, Place

__all__ = ["Detector", "Level", "Place"]
