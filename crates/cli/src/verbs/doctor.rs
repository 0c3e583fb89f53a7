//! `doctor`: what this machine gives, and the fixes for what it does not.

use sandbox::cgroup::{Axis, Tree};
use sandbox::facts::{Finding, Level, judge, probe};
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::screen::{Screen, Tone};
use crate::session::Session;

/// Tries everything once and tells; a failure is exit 1.
pub fn run(session: &Session) -> Result<Exit, Failure> {
    let findings = judge(&probe(&session.data_folder()));
    let answer =
        if session.screen.is_json() { document(&findings) } else { text(&findings, &session.screen) };
    session.screen.answer(&answer)?;
    Ok(if count(&findings, Level::Fail) == 0 { Exit::Done } else { Exit::Failed })
}

/// The isolation of a running server in a few words.
pub fn summary() -> &'static str {
    match Tree::find("lambent").map(|tree| tree.axis()) {
        Ok(Axis::Two) => "namespaces, cgroup v2, seccomp",
        Ok(Axis::One) => "namespaces, cgroup v1, seccomp",
        Ok(Axis::Nothing) | Err(_) => "namespaces, seccomp; NO MEMORY LIMITS: see lambent doctor",
    }
}

fn count(findings: &[Finding], level: Level) -> usize {
    findings.iter().filter(|finding| finding.level == level).count()
}

fn text(findings: &[Finding], screen: &Screen) -> String {
    let mut text = String::new();
    for finding in findings {
        let (word, tone) = match finding.level {
            Level::Ok => ("ok", Tone::Good),
            Level::Warn => ("warn", Tone::Warning),
            Level::Fail => ("FAIL", Tone::Bad),
        };
        // Padded outside of the colour, which has no width.
        let mut begin = format!("{}{:width$}", screen.paint(word, tone), "", width = 6 - word.len());
        let fix = finding.fix.iter().flat_map(|fix| fix.lines().enumerate());
        let fix =
            fix.map(|(index, line)| if index == 0 { format!("do: {line}") } else { format!("    {line}") });
        for line in finding.text.lines().map(str::to_owned).chain(fix) {
            text.push_str(&format!("{begin}{line}\n"));
            begin = " ".repeat(6);
        }
    }
    let (failures, warnings) = (count(findings, Level::Fail), count(findings, Level::Warn));
    if failures + warnings > 0 {
        let plural = |count, word| if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") };
        text.push_str(&format!("{}, {}\n", plural(failures, "failure"), plural(warnings, "warning")));
    }
    text
}

fn document(findings: &[Finding]) -> String {
    let one = |finding: &Finding| {
        let level = match finding.level {
            Level::Ok => "Ok",
            Level::Warn => "Warning",
            Level::Fail => "Failure",
        };
        json!({ "Level": level, "Text": finding.text, "Do": finding.fix })
    };
    format!("{}\n", json!({ "Findings": findings.iter().map(one).collect::<Vec<_>>() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::{Color, Form, Talk};

    #[test]
    fn findings_are_lines_with_the_fix_below() {
        let finding = |level, text: &str, fix: Option<&str>| Finding {
            level,
            text: text.into(),
            fix: fix.map(str::to_owned),
        };
        let findings = [
            finding(Level::Ok, "Linux 6.8 x86_64, 2 CPUs, 3.8 GB; seccomp", None),
            finding(Level::Fail, "user namespaces: no\nno sandbox", Some("sudo lambent up\nor: this")),
            finding(Level::Warn, "swap is not counted", None),
        ];
        let screen = Screen::new(Form::Text, Talk::Normal, Color::Never, |_| None);
        assert_eq!(
            text(&findings, &screen),
            "ok    Linux 6.8 x86_64, 2 CPUs, 3.8 GB; seccomp\n\
             FAIL  user namespaces: no\n      no sandbox\n      do: sudo lambent up\n          or: this\n\
             warn  swap is not counted\n1 failure, 1 warning\n"
        );
        let document: serde_json::Value = serde_json::from_str(&document(&findings)).unwrap();
        assert_eq!(document["Findings"][1]["Level"], "Failure");
    }
}
