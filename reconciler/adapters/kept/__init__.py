"""What is kept between two plans to spare work: a file of one user that may be deleted any time."""
