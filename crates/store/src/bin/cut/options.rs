use anyhow::{Context, Result, bail, ensure};

/// How many cuts, and where.
#[derive(Debug, Clone)]
pub struct Options {
    /// Cuts in a series.
    pub cuts: u64,
    /// The first acknowledgement that may be cut after.
    pub earliest: u64,
    /// The last acknowledgement that may be cut after; with `stop_at`, the next one that begins so.
    pub latest: u64,
    /// Chooses when to cut.
    pub seed: u64,
    /// Size of the image.
    pub mib: u64,
    /// Only acknowledgements that begin so are cut after.
    pub stop_at: String,
}

impl Options {
    pub fn parse(arguments: &[String]) -> Result<Options> {
        let mut options =
            Options { cuts: 20, earliest: 5, latest: 250, seed: 1, mib: 96, stop_at: String::new() };
        for pair in arguments.chunks(2) {
            let [name, value] = pair else { bail!("{} needs a value", pair[0]) };
            let number = || value.parse().with_context(|| format!("{name} {value}"));
            match name.as_str() {
                "--cuts" => options.cuts = number()?,
                "--earliest" => options.earliest = number()?,
                "--latest" => options.latest = number()?,
                "--seed" => options.seed = number()?,
                "--mib" => options.mib = number()?,
                "--stop-at" => options.stop_at.clone_from(value),
                _ => bail!("no option {name}"),
            }
        }
        ensure!(options.earliest <= options.latest, "--earliest is above --latest");
        Ok(options)
    }
}

/// What a series of cuts runs.
#[derive(Debug, Clone)]
pub struct Commands {
    /// Acknowledges until it is stopped.
    pub writer: Vec<String>,
    /// Reads the acknowledgements and looks for what they say.
    pub checker: Vec<String>,
    /// Runs once, to its end, on the image that every cut begins with a copy of. Nothing begins with an empty one.
    pub first: Option<Vec<String>>,
}

/// `OPTIONS -- WRITER -- CHECKER [-- FIRST]`.
pub fn commands(arguments: &[String]) -> Result<(Options, Commands)> {
    let parts: Vec<&[String]> = arguments.split(|argument| argument == "--").collect();
    let (options, writer, checker, first) = match parts[..] {
        [options, writer, checker] => (options, writer, checker, None),
        [options, writer, checker, first] => (options, writer, checker, Some(first)),
        _ => bail!("OPTIONS -- WRITER ARGS -- CHECKER ARGS [-- FIRST ARGS]"),
    };
    ensure!(parts[1..].iter().all(|words| !words.is_empty()), "a command without a word");
    let (writer, checker) = (writer.to_vec(), checker.to_vec());
    Ok((Options::parse(options)?, Commands { writer, checker, first: first.map(<[String]>::to_vec) }))
}
