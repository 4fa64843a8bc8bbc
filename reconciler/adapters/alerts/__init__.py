"""Sends alerts: webhooks and mail."""
