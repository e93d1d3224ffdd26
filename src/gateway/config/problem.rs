//! What is wrong in a configuration, and where.

use std::fmt;
use std::path::PathBuf;

use super::yaml::{Node, Place};
use crate::auth::Secret;
use crate::json::cut;

/// The most that is shown of a key or a name.
const SHOWN: usize = 80;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The gateway does not start on it.
    Error,
    /// It starts, and does not do what the line says, or not quite.
    Warning,
}

/// One thing that is wrong. Its text has no secret in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub file: PathBuf,
    /// From 1; 0 where it is not about one line.
    pub line: usize,
    pub column: usize,
    /// The key, as `model_list[0].litellm_params.model`.
    pub path: String,
    pub severity: Severity,
    pub message: String,
    /// The known name that is most like the one that is not known.
    pub nearest: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, severity, message, .. } = self;
        write!(f, "{}:", self.file.display())?;
        if *line > 0 {
            write!(f, "{line}:{column}:")?;
        }
        let severity = match severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, " {severity}: {message}")?;
        match &self.nearest {
            Some(nearest) => write!(f, "; did you mean '{nearest}'?"),
            None => Ok(()),
        }
    }
}

/// Problems as they are found.
#[derive(Debug, Default)]
pub struct Report {
    pub files: Vec<PathBuf>,
    problems: Vec<Problem>,
    /// Texts that no message may have in it.
    secrets: Vec<Secret>,
}

impl Report {
    pub fn error(&mut self, at: Place, path: &str, message: impl Into<String>) {
        self.add(at, path, Severity::Error, message.into(), None);
    }

    pub fn warn(&mut self, at: Place, path: &str, message: impl Into<String>) {
        self.add(at, path, Severity::Warning, message.into(), None);
    }

    pub fn add(
        &mut self,
        at: Place,
        path: &str,
        severity: Severity,
        message: String,
        nearest: Option<String>,
    ) {
        self.problems.push(Problem {
            file: self.files.get(at.file).cloned().unwrap_or_default(),
            line: at.line,
            column: at.column,
            path: path.to_owned(),
            severity,
            message,
            nearest,
        });
    }

    pub fn hide(&mut self, text: &str) {
        self.secrets.push(Secret::new(text));
    }

    /// All problems, in the order of the lines.
    pub fn finish(mut self) -> Vec<Problem> {
        for problem in &mut self.problems {
            for secret in &self.secrets {
                if let Some(hidden) = secret.hidden_in(&problem.message) {
                    problem.message = hidden;
                }
            }
        }
        let files = self.files;
        let file_of = |problem: &Problem| files.iter().position(|file| *file == problem.file);
        self.problems.sort_by_key(|problem| (file_of(problem), problem.line, problem.column));
        self.problems.dedup();
        self.problems
    }
}

/// A name as it is shown: not longer than a line, and not what a variable of the environment holds.
pub fn shown(node: &Node) -> String {
    match (&node.variable, node.text()) {
        (Some(name), _) => format!("os.environ/{name}"),
        (None, Some(text)) => cut(text, SHOWN).to_owned(),
        (None, None) => node.kind().to_owned(),
    }
}

/// The name that is most like another one, if any is like it at all.
pub fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let name = cut(name, SHOWN).to_ascii_lowercase();
    let most = (name.chars().count() / 3).max(1);
    let distances = known.into_iter().map(|known| (distance(&name, &known.to_ascii_lowercase()), known));
    distances
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|found| found.1)
}

/// How many letters are to be added, left out, changed or swapped with their neighbours.
fn distance(one: &str, other: &str) -> usize {
    let one: Vec<char> = one.chars().collect();
    let other: Vec<char> = other.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.iter().enumerate() {
        let mut row = vec![at + 1];
        for (to, against) in other.iter().enumerate() {
            let cost = usize::from(letter != against);
            let mut least = (last[to] + cost).min(last[to + 1] + 1).min(row[to] + 1);
            if at > 0 && to > 0 && one[at - 1] == *against && other[to - 1] == *letter {
                least = least.min(before[to - 1] + 1);
            }
            row.push(least);
        }
        before = last;
        last = row;
    }
    last[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_near() {
        let known = ["model_list", "litellm_settings", "api_key", "api_base"];
        assert_eq!(nearest("modle_list", known), Some("model_list"));
        assert_eq!(nearest("litelm_settings", known), Some("litellm_settings"));
        assert_eq!(nearest("API_KEY", known), Some("api_key"));
        assert_eq!(nearest("prometheus", known), None);
        assert_eq!((distance("ab", "ba"), distance("", "abc"), distance("kitten", "sitting")), (1, 3, 3));
    }

    #[test]
    fn a_problem_reads_as_one_of_a_compiler() {
        let mut report = Report { files: vec!["config.yaml".into()], ..Report::default() };
        report.hide("sk-planted-secret");
        let at = Place { file: 0, line: 12, column: 5 };
        let nearest = Some("model_list".to_owned());
        report.add(at, "modle_list", Severity::Error, "unknown key 'modle_list'".to_owned(), nearest);
        report.warn(Place { line: 3, ..at }, "", "holds sk-planted-secret");
        let problems: Vec<String> = report.finish().iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "config.yaml:3:5: warning: holds [redacted]",
                "config.yaml:12:5: error: unknown key 'modle_list'; did you mean 'model_list'?",
            ]
        );
    }
}
