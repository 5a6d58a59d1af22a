mkdir -p src; echo x >"src/$(printf 'lat\351n')"
