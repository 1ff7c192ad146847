"""What `pointsman doctor` looks at: the machine, the files, the servers."""
