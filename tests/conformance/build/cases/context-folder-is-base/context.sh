mkdir other
echo kept >other/kept
echo gone >other/gone
printf 'gone\n' >other/.dockerignore
echo own >own
chmod 600 other/kept
