"""Networks after libnetwork's model (CNM): network, endpoint, sandbox; addresses, firewall, published ports."""
