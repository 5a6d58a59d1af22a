mkdir -p etc; echo mine >etc/x; ln -s /etc abs
