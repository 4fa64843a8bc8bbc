"""Documents of kind Project: environments, alerts, deliveries."""
