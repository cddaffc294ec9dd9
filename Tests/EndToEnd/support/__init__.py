"""What the end-to-end tests are built of: real clients, servers and receivers around one real gateway process."""
