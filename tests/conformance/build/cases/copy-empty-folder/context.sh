mkdir empty; chmod 700 empty
