
# Names of functions, asked of the server.
_lambent_with_names() {
    local word="${COMP_WORDS[COMP_CWORD]}"
    if [[ $COMP_CWORD -eq 2 && ${COMP_WORDS[1]} =~ ^(invoke|logs|rm)$ && $word != -* ]]; then
        COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" ls --names 2>/dev/null)" -- "$word"))
    else
        _lambent "$@"
    fi
}
complete -F _lambent_with_names -o bashdefault -o default lambent
