use super::*;

fn sources(
    file: &str,
    environment: &[(&str, &str)],
    flags: &[(&str, &str)],
) -> Result<(Config, Vec<Row>), Problem> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lambent.toml");
    std::fs::write(&path, file).unwrap();
    let owned = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
    };
    let mut environment = owned(environment);
    environment.push(("HOME".into(), "/home/ann".into()));
    let (flags, file) = (owned(flags), Some(path.clone()));
    let result = load(&Sources { flags, environment, file, root: Root::No, machine_memory_bytes: 1 << 30 });
    let name = path.display().to_string();
    result
        .map(|(config, mut rows)| {
            rows.iter_mut().for_each(|row| row.origin = row.origin.replace(&name, "lambent.toml"));
            (config, rows)
        })
        .map_err(|problem| Problem { what: problem.what.replace(&name, "lambent.toml"), ..problem })
}

fn origin(rows: &[Row], key: &str) -> (String, String) {
    let row = rows.iter().find(|row| row.key == key).unwrap();
    (row.value.clone(), row.origin.clone())
}

#[test]
fn a_flag_beats_the_environment_beats_the_file_beats_the_default() {
    let file = "region = \"eu-west-1\"\n\n[limits]\nconcurrency = 7\n";
    let variable = [("LAMBENT_REGION", "eu-west-2"), ("LAMBENT_LIMITS_CONCURRENCY", "8")];
    let seen = |environment: &[(&str, &str)], flags: &[(&str, &str)]| {
        let (config, rows) = sources(file, environment, flags).unwrap();
        assert_eq!(config.region.as_str(), origin(&rows, "region").0);
        assert_eq!(config.concurrency.to_string(), origin(&rows, "limits.concurrency").0);
        (origin(&rows, "region").1, origin(&rows, "limits.concurrency").1)
    };
    assert_eq!(seen(&[], &[]), ("lambent.toml:1".into(), "lambent.toml:4".into()));
    assert_eq!(seen(&variable, &[]), ("LAMBENT_REGION".into(), "LAMBENT_LIMITS_CONCURRENCY".into()));
    let flags = [("region", "eu-west-3"), ("concurrency", "9")];
    assert_eq!(seen(&variable, &flags), ("--region".into(), "--concurrency".into()));
    let (config, rows) = sources("", &[], &[]).unwrap();
    assert_eq!(config.data, Path::new("/home/ann/.local/share/lambent"));
    assert_eq!(rows.len(), SETTINGS.len());
    assert!(rows.iter().all(|row| row.origin == "default"));
}

#[test]
fn unknown_settings_are_errors_that_name_the_nearest() {
    let problem = |file: &str| sources(file, &[], &[]).unwrap_err();
    let misspelt = problem("# comment\n\nregoin = \"x\"\n");
    assert_eq!(misspelt.what, "lambent.toml:3: no setting regoin");
    assert_eq!(misspelt.why.as_deref(), Some("nearest: region"));
    assert_eq!(misspelt.act.as_deref(), Some("lambent help config"));
    assert_eq!(problem("concurrency = 1").why.as_deref(), Some("nearest: limits.concurrency"));
    assert_eq!(problem("[limit]\nx = 1").what, "lambent.toml:1: no section limit");
    assert_eq!(problem("[keep]\nlog = \"1d\"").why.as_deref(), Some("nearest: logs"));
    assert_eq!(
        problem("root_secret_key = \"x\"").why.as_deref(),
        Some("root keys come by flag or LAMBENT_ROOT_* only")
    );
    assert_eq!(problem("region =").what.split(": ").next(), Some("lambent.toml:1"));
    let variable = sources("", &[("LAMBENT_REGOIN", "x")], &[]).unwrap_err();
    assert_eq!(
        (variable.what.as_str(), variable.why.as_deref()),
        ("no setting LAMBENT_REGOIN", Some("nearest: LAMBENT_REGION"))
    );
    assert_eq!(sources("", &[], &[("regoin", "x")]).unwrap_err().what, "no flag --regoin");
}

#[test]
fn values_that_do_not_parse_are_errors_with_their_origin() {
    for (file, want) in [
        ("listen = 4566", "lambent.toml:1: listen = \"4566\" is not an address such as 127.0.0.1:4566"),
        ("account_id = \"1\"", "lambent.toml:1: account_id = \"1\" is not twelve digits"),
        ("drain = \"soon\"", "lambent.toml:1: drain = \"soon\" is not a duration such as 30s or 2m"),
        ("[limits]\nconcurrency = 0", "lambent.toml:2: limits.concurrency = \"0\" is not a number above 0"),
        ("region = 2026-01-01", "lambent.toml:1: region is not a region such as us-east-1"),
    ] {
        assert_eq!(sources(file, &[], &[]).unwrap_err().what, want);
    }
}

#[test]
fn a_value_without_effect_is_refused() {
    let problem = sources("[functions]\negress = \"host\"", &[], &[]).unwrap_err();
    assert_eq!(problem.what, "lambent.toml:2: functions.egress = \"host\" is not supported yet");
    assert_eq!(problem.why.as_deref(), Some("supported: \"none\""));
    let weaker = sources("", &[], &[("isolation", "none")]).unwrap_err();
    assert_eq!(weaker.what, "--isolation: functions.isolation = \"none\" is not supported yet");
    assert!(
        sources("clock = \"real\"\n[functions]\nretry_delays = [60, 60]\nruntimes = []", &[], &[]).is_ok()
    );
}

#[test]
fn authentication_may_be_off_on_loopback_only() {
    let problem = sources("auth = \"off\"\nlisten = \"0.0.0.0:1\"", &[], &[]).unwrap_err();
    assert_eq!(problem.what, "auth = \"off\" works on loopback only, not on 0.0.0.0:1");
    assert!(sources("auth = \"off\"\nlisten = \"[::1]:0\"", &[], &[]).is_ok());
}

#[test]
fn a_root_key_has_two_halves_and_beats_the_environment_by_flag() {
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    let variables =
        [("LAMBENT_ROOT_ACCESS_KEY", "AKIAIOSFODNN7EXAMPLE"), ("LAMBENT_ROOT_SECRET_KEY", secret)];
    let (config, _) = sources("", &variables, &[("root-access-key", "AKIAFLAGFLAGFLAGFLAG")]).unwrap();
    assert_eq!(config.root_key.unwrap().access_key(), "AKIAFLAGFLAGFLAGFLAG");
    assert!(sources("", &variables[..1], &[]).unwrap_err().why.is_some());
}

#[test]
fn a_configuration_travels_as_json() {
    let (config, _) = sources("drain = \"5s\"", &[], &[]).unwrap();
    let text = serde_json::to_string(&config).unwrap();
    let back: Config = serde_json::from_str(&text).unwrap();
    assert_eq!((back.drain, back.listen), (config.drain, config.listen));
    assert_eq!(back.functions_memory_bytes, (1 << 30) / 100 * 75);
}

#[test]
fn the_token_of_scrapers_is_read_from_its_file_and_shown_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "secret-token\n").unwrap();
    let flags = [("metrics-token-file", path.to_str().unwrap())];
    let (config, rows) = sources("", &[], &flags).unwrap();
    assert_eq!(config.metrics_token.as_deref(), Some("secret-token"));
    assert!(!format!("{config:?}{rows:?}").contains("secret-token"));
    std::fs::write(&path, " \n").unwrap();
    assert!(sources("", &[], &flags).unwrap_err().what.ends_with("is empty"));
    std::fs::remove_file(&path).unwrap();
    assert!(sources("", &[], &flags).unwrap_err().why.is_some());
}

#[test]
fn the_file_of_the_manual_is_understood() {
    let (_, rows) = sources(include_str!("example.toml"), &[], &[]).unwrap();
    let default = |row: &Row| settings::named(row.key).default == row.value;
    let odd: Vec<&Row> = rows.iter().filter(|row| row.origin != "default" && !default(row)).collect();
    // Floats lose their trailing zeros on the way; everything else in the manual is the default.
    assert!(odd.is_empty(), "{odd:?}");
}
