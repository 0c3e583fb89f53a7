
# Names of functions, asked of the server.
complete -c lambent -n "__fish_seen_subcommand_from invoke logs rm" -f -a "(lambent ls --names 2>/dev/null)"
