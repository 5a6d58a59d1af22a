mkdir -p src real; echo r >real/r; ln -s ../real src/dir; ln -s r real/l; ln -s /etc/passwd src/abs; ln -s ../../../../etc/passwd src/up; ln -s loop src/loop
