for n in 'sp ace' -dash 'ünïcode-日本' 'semi;co' "$(printf 'tab\tname')"; do echo x >"./$n"; done
