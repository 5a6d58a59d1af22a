echo h >here
