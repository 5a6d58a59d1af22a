echo x >'quo"te'
