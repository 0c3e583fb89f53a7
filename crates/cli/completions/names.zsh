
# Names of functions, asked of the server.
_lambent_with_names() {
    if (( CURRENT == 3 )) && [[ ${words[2]} == (invoke|logs|rm) && ${words[3]} != -* ]]; then
        compadd -- ${(f)"$(${words[1]} ls --names 2>/dev/null)"}
    else
        _lambent "$@"
    fi
}
compdef _lambent_with_names lambent
