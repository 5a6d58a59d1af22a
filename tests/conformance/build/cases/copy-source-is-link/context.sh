mkdir -p real; echo r >real/r; ln -s real/r link; ln -s real folder
