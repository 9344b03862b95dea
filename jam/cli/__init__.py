"""The command line: what each command does; `jam.cli.main` chooses one."""
