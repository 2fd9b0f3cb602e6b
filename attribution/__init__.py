"""Who deserves the credit: journeys, methods, credits, campaign ROI."""
