"""What handles events: what users write down, the table that is made of it, and the running of a handler."""
