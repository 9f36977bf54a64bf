"""What goes over the wire: request bodies by hand, answers derived from the register's views."""
