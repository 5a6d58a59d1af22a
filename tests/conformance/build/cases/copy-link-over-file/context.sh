mkdir -p src; ln -s nowhere src/one; ln -s one src/two
