//! Style sheets: imports put in, `rpx` converted, and the classes of components made their own.

use glass_easel_stylesheet_compiler::{StyleSheetOptions, StyleSheetTransformer};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::{Config, Findings, Problem, Sources, with_extension};

/// Marks where an imported style sheet goes.
const IMPORT: &str = "preview-import";

/// By path: `css`, what goes before all others (`low`), and the prefix of a component's classes (`scope`).
pub(crate) fn compile(sources: &Sources, config: &Config, found: &mut Findings) -> Value {
    let mut sheets = serde_json::Map::new();
    for (index, (path, stem, _)) in with_extension(sources, ".wxss").enumerate() {
        let scope = config.get(stem).is_some_and(is_isolated).then(|| format!("c{index}"));
        let mut sheet =
            Sheet { sources, scope: scope.as_deref(), stem, low: String::new(), open: Vec::new(), found };
        let css = sheet.expand(path);
        sheets.insert(stem.to_owned(), json!({ "css": css, "low": sheet.low, "scope": scope }));
    }
    Value::Object(sheets)
}

/// Whether the classes of a component are its own.
fn is_isolated(config: &Value) -> bool {
    config["component"] == true
        && config["styleIsolation"] != "shared"
        && config["styleIsolation"] != "page-shared"
}

/// One style sheet with all that it imports.
struct Sheet<'a> {
    sources: &'a Sources,
    scope: Option<&'a str>,
    stem: &'a str,
    low: String,
    /// The files that are being put in, outermost first.
    open: Vec<String>,
    found: &'a mut Findings,
}

impl Sheet<'_> {
    fn expand(&mut self, path: &str) -> String {
        self.open.push(path.to_owned());
        let options = StyleSheetOptions {
            class_prefix: self.scope.map(str::to_owned),
            convert_host: true,
            host_is: self.scope.map(|_| self.stem.to_owned()),
            import_sign: Some(IMPORT.to_owned()),
            ..Default::default()
        };
        let mut transformer = StyleSheetTransformer::from_css(path, &self.sources[path], options);
        for problem in transformer.take_warnings() {
            let list =
                if problem.prevent_success() { &mut self.found.errors } else { &mut self.found.warnings };
            list.push(Problem::at(path, problem.location.start.line as usize + 1, &problem.kind));
        }
        let (normal, low) = transformer.output_and_low_priority_output();
        let mut css = String::new();
        // Writing to a text cannot fail.
        let _ = normal.write_str(&mut css);
        let _ = low.write_str(&mut self.low);
        let css = self.put_imports_in(path, &css);
        self.open.pop();
        css
    }

    fn put_imports_in(&mut self, path: &str, css: &str) -> String {
        let mark = format!("/*{IMPORT} ");
        let mut parts = css.split(mark.as_str());
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (encoded, rest) = part.split_once("*/").unwrap_or((part, ""));
            let target = resolve(path, &percent_decode_str(encoded).decode_utf8_lossy());
            if self.open.contains(&target) {
                self.found.errors.push(Problem::of(path, format!("imports \"{target}\", which imports it")));
            } else if self.sources.contains_key(&target) {
                out += &self.expand(&target);
            } else {
                self.found
                    .errors
                    .push(Problem::of(path, format!("imports \"{target}\", which is not there")));
            }
            out += rest;
        }
        out
    }
}

/// The path that a file means by a relative or absolute one.
fn resolve(from: &str, path: &str) -> String {
    let mut parts: Vec<&str> = if path.starts_with('/') { Vec::new() } else { from.split('/').collect() };
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}
