use anyhow::{Context, Result, bail, ensure};

/// How many cuts, and where.
#[derive(Debug, Clone)]
pub struct Options {
    /// Cuts in a series.
    pub cuts: u64,
    /// Chooses when to cut.
    pub seed: u64,
    /// Size of the image.
    pub mib: u64,
    /// Only acknowledgements that begin so are cut after.
    pub stop_at: String,
}

impl Options {
    pub fn parse(arguments: &[String]) -> Result<Options> {
        let mut options = Options { cuts: 20, seed: 1, mib: 96, stop_at: String::new() };
        for pair in arguments.chunks(2) {
            let [name, value] = pair else { bail!("{} needs a value", pair[0]) };
            let number = || value.parse().with_context(|| format!("{name} {value}"));
            match name.as_str() {
                "--cuts" => options.cuts = number()?,
                "--seed" => options.seed = number()?,
                "--mib" => options.mib = number()?,
                "--stop-at" => options.stop_at.clone_from(value),
                _ => bail!("no option {name}"),
            }
        }
        Ok(options)
    }
}

/// `OPTIONS -- WRITER -- CHECKER`.
pub fn commands(arguments: &[String]) -> Result<(Options, Vec<String>, Vec<String>)> {
    let parts: Vec<&[String]> = arguments.split(|argument| argument == "--").collect();
    let [options, writer, checker] = parts[..] else { bail!("OPTIONS -- WRITER ARGS -- CHECKER ARGS") };
    ensure!(!writer.is_empty() && !checker.is_empty(), "a writer and a checker");
    Ok((Options::parse(options)?, writer.to_vec(), checker.to_vec()))
}
