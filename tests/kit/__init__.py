"""What tests share: real receivers, real servers, builders of values."""
