mkdir src; echo x >src/a; python3 -c 'import os; os.setxattr("src/a", "user.mine", b"v")'
