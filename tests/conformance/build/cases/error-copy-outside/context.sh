echo h >../outside
