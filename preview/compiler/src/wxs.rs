//! The scripts of templates: their language is not quite JavaScript.

use std::fmt::Write;

use serde_json::json;

/// How a pattern begins.
const PATTERN: &str = "getRegExp(";

/// A template's script for the host: there, a value's constructor is a function, not the name of its type, and what
/// throws would take the page along.
pub(crate) fn script(path: &str, text: &str) -> String {
    let text = with_patterns(text).replace(".constructor", ".wxsConstructor");
    // On a line of its own, what follows does not fall into a comment.
    format!("{text}\n;module.exports = wxsGuarded(module.exports, {});", json!(path))
}

/// The same for the scripts within a template.
pub(crate) fn with_scripts(path: &str, wxml: &str) -> String {
    let mut parts = wxml.split("<wxs");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out += "<wxs";
        match part.split_once("</wxs>").and_then(|(tag, rest)| Some((tag.split_once('>')?, rest))) {
            Some(((tag, text), rest)) if !tag.ends_with('/') && !text.trim().is_empty() => {
                // Writing to a text cannot fail.
                let _ = write!(out, "{tag}>{}</wxs>{rest}", script(path, text));
            }
            _ => out += part,
        }
    }
    out
}

/// In the text of a pattern, a backslash that JavaScript would drop is the pattern's: `\d` is a digit.
fn with_patterns(text: &str) -> String {
    let mut parts = text.split(PATTERN);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out += PATTERN;
        let quote = part.chars().find(|c| !c.is_whitespace()).filter(|c| "\"'".contains(*c));
        let mut inside = false;
        let mut chars = part.chars();
        while let Some(c) = chars.next() {
            out.push(c);
            if Some(c) == quote {
                if inside {
                    break;
                }
                inside = true;
            } else if inside && c == '\\' {
                let Some(next) = chars.next() else { break };
                // JavaScript knows these.
                if !next.is_ascii_digit() && !"bfnrtvux\\\"'\n\r".contains(next) {
                    out.push('\\');
                }
                out.push(next);
            }
        }
        out += chars.as_str();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_keeps_its_backslashes() {
        for (text, expected) in [
            (r"getRegExp('^-?\d+(\.\d+)?$')", r"getRegExp('^-?\\d+(\\.\\d+)?$')"),
            (r#"getRegExp( "\\d\n\"\w", 'g\d'); '\d'"#, r#"getRegExp( "\\d\n\"\\w", 'g\d'); '\d'"#),
            (r"getRegExp(one + '\d')", r"getRegExp(one + '\d')"),
            (r"getRegExp('\", r"getRegExp('\"),
            ("getRegExp(", "getRegExp("),
        ] {
            assert_eq!(with_patterns(text), expected);
        }
    }
}
