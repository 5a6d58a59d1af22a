printf 'FROM scratch\nCOPY . /all/\n' >it
