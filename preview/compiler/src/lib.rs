//! Compiles a mini-program into one JavaScript module, with the compilers of WeChat's component framework.
//!
//! The module exports `config` (every JSON file), `styles`, `templates` and `tags` (in which line each template has
//! its first tag of a name, and its first of a name with an attribute), each by path without extension, and `problems`. It knows no scripts, and never runs
//! anything.

mod native;
mod styles;
mod tags;
mod wxs;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use glass_easel_template_compiler::TmplGroup;
use glass_easel_template_compiler::parse::ParseErrorKind;
use serde_json::{Value, json};

/// A mini-program as the browser host loads it.
#[derive(Debug)]
pub struct Compiled {
    /// The JavaScript module.
    pub module: String,
    /// What is wrong, but stops nothing else.
    pub problems: Vec<Problem>,
    /// What WeChat would take, but hardly as it was meant.
    pub warnings: Vec<Problem>,
}

/// Something that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The path within the mini-program.
    pub file: String,
    /// Counted from 1; none if it is the file as a whole.
    pub line: Option<usize>,
    /// What is wrong.
    pub text: String,
}

impl Problem {
    fn at(file: &str, line: usize, text: impl fmt::Display) -> Self {
        Self { file: file.to_owned(), line: Some(line), text: text.to_string() }
    }

    fn of(file: &str, text: impl fmt::Display) -> Self {
        Self { file: file.to_owned(), line: None, text: text.to_string() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.text),
            None => write!(f, "{}: {}", self.file, self.text),
        }
    }
}

/// Compiles the mini-program in a folder, with libraries: folders that belong into it, by path.
///
/// # Errors
///
/// What keeps it from being compiled at all. Files that are wrong otherwise are compiled as far as they can be.
pub fn compile(folder: &Path, libraries: &[(String, PathBuf)]) -> Result<Compiled, Vec<Problem>> {
    let mut sources = Sources::new();
    let own = [(String::new(), folder.to_owned())];
    let libraries = libraries.iter().map(|(path, folder)| (format!("{path}/"), folder.clone()));
    for (below, folder) in own.into_iter().chain(libraries) {
        read(&folder, &below, &mut sources)
            .map_err(|error| vec![Problem::of(&folder.to_string_lossy(), error)])?;
    }
    if !sources.contains_key("app.json") {
        return Err(vec![Problem::of("app.json", "is missing: this is no mini-program's folder")]);
    }
    let mut found = Findings::default();
    let config = configuration(&sources, &mut found);
    let styles = styles::compile(&sources, &config, &mut found);
    let templates = templates(&sources, &mut found);
    if !config.contains_key("app") {
        return Err(found.errors);
    }
    let problems: Vec<_> = found
        .errors
        .iter()
        .map(|problem| json!({ "file": problem.file, "text": problem.to_string() }))
        .collect();
    let tags: BTreeMap<_, _> =
        with_extension(&sources, ".wxml").map(|(_, stem, text)| (stem, tags::first_lines(text))).collect();
    let module = format!(
        "export const config = {};\nexport const styles = {};\nexport const tags = {};\nexport const problems = {};\nexport const templates = {templates};\n",
        json!(config),
        json!(styles),
        json!(tags),
        json!(problems),
    );
    Ok(Compiled { module, problems: found.errors, warnings: found.warnings })
}

/// The text files, by path.
type Sources = BTreeMap<String, String>;

/// The JSON files, by path without extension.
type Config = BTreeMap<String, Value>;

#[derive(Default)]
struct Findings {
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
}

const TEXT: [&str; 4] = [".json", ".wxml", ".wxs", ".wxss"];

fn read(folder: &Path, below: &str, sources: &mut Sources) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "node_modules" {
            continue;
        }
        let path = format!("{below}{name}");
        // Not through links: they may lead round in a circle.
        if entry.file_type()?.is_dir() {
            read(&entry.path(), &format!("{path}/"), sources)?;
        } else if TEXT.iter().any(|extension| name.ends_with(extension)) {
            let text = fs::read_to_string(entry.path());
            sources.insert(
                path.clone(),
                text.map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))?,
            );
        }
    }
    Ok(())
}

/// The files with an extension, as (path, stem, text).
fn with_extension<'a>(
    sources: &'a Sources,
    extension: &'a str,
) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
    sources
        .iter()
        .filter_map(move |(path, text)| Some((path.as_str(), path.strip_suffix(extension)?, text.as_str())))
}

fn configuration(sources: &Sources, found: &mut Findings) -> Config {
    let mut config = Config::new();
    for (path, stem, text) in with_extension(sources, ".json") {
        match serde_json::from_str(text) {
            Ok(value) => drop(config.insert(stem.to_owned(), value)),
            Err(error) => {
                // Other tools' files may have comments; only what belongs to a template, or to the app, is read.
                let is_ours = stem == "app" || sources.contains_key(&format!("{stem}.wxml"));
                let list = if is_ours { &mut found.errors } else { &mut found.warnings };
                list.push(Problem::at(path, error.line(), error));
            }
        }
    }
    config
}

fn templates(sources: &Sources, found: &mut Findings) -> String {
    let mut group = TmplGroup::new();
    for (path, stem, text) in with_extension(sources, ".wxs") {
        group.add_script(stem, &wxs::script(path, text));
        // Templates name a script without its extension, scripts name each other with it.
        group.add_script(path, &format!("module.exports = require({});", json!(format!("/{stem}"))));
    }
    for (path, stem, text) in with_extension(sources, ".wxml") {
        for problem in group.add_tmpl(stem, &wxs::with_scripts(path, text)) {
            // What a slot has in it is left out; WeChat's own tools say nothing of it.
            let is_wrong = problem.prevent_success() && problem.kind != ParseErrorKind::ChildNodesNotAllowed;
            let list = if is_wrong { &mut found.errors } else { &mut found.warnings };
            list.push(Problem::at(path, problem.location.start.line as usize + 1, &problem.kind));
        }
        found.errors.extend(native::check(path, text));
    }
    for (path, stem, _) in with_extension(sources, ".wxml") {
        let missing =
            |kind, name: &str| Problem::of(path, format!("names the {kind} \"{name}\", which is not there"));
        let templates: Vec<_> = group.direct_dependencies(stem).into_iter().flatten().collect();
        for name in templates.iter().filter(|name| !sources.contains_key(&format!("{name}.wxml"))) {
            found.errors.push(missing("template", name));
            group.add_tmpl(name, "");
        }
        let scripts: Vec<_> = group.script_dependencies(stem).into_iter().flatten().collect();
        for name in scripts.iter().filter(|name| !sources.contains_key(&format!("{name}.wxs"))) {
            found.errors.push(missing("script", name));
            group.add_script(name, "");
        }
    }
    group.get_tmpl_gen_object_groups().unwrap_or_else(|error| {
        found.errors.push(Problem::of("app.json", error));
        String::new()
    })
}
