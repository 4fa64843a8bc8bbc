"""Sends test deliveries over HTTP(S), to addresses that were judged first, in bounded time."""
