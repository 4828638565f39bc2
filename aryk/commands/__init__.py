"""One module a role; a role is imported only inside its command, so that `aryk --help` needs none of them."""
