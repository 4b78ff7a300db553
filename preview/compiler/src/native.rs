//! A rule of native components that the framework does not know: listeners are bound in the joined form.

use crate::Problem;

/// Phones ignore `bind:event`, `catch…` and `capture-…` on these.
const NATIVE: [&str; 2] = ["live-player", "live-pusher"];

/// Every listener on a native component that a phone would ignore.
pub(crate) fn check<'a>(path: &'a str, wxml: &'a str) -> impl Iterator<Item = Problem> + 'a {
    tags(wxml).flat_map(move |(at, name, attributes)| {
        let line = wxml[..=at].lines().count();
        attributes.into_iter().filter(|attribute| is_ignored(attribute)).map(move |attribute| {
            let text = format!("phones ignore {attribute} on <{name}>: write bindevent, without a colon");
            Problem::at(path, line, text)
        })
    })
}

fn is_ignored(attribute: &str) -> bool {
    ["bind:", "catch", "capture-", "mut-bind"].iter().any(|form| attribute.starts_with(form))
}

/// Where each native component's tag begins, its name, and the names of its attributes.
fn tags(wxml: &str) -> impl Iterator<Item = (usize, &str, Vec<&str>)> {
    wxml.match_indices('<').filter_map(|(at, _)| {
        let inside = &wxml[at + 1..];
        let name = NATIVE.into_iter().find(|name| {
            inside
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_whitespace() || "/>".contains(c)))
        })?;
        Some((at, name, attribute_names(&inside[name.len()..])))
    })
}

/// The attribute names up to the end of the tag; what is quoted is no name.
fn attribute_names(tag: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = tag.trim_start();
    while let Some(end) = rest.find(|c: char| c.is_whitespace() || "=/>".contains(c)) {
        if end > 0 {
            names.push(&rest[..end]);
        }
        if rest[end..].starts_with('>') {
            break;
        }
        rest = rest[end + 1..].trim_start();
        if let Some(quote) = rest.chars().next().filter(|c| "\"'".contains(*c)) {
            let Some(close) = rest[1..].find(quote) else { break };
            rest = rest[close + 2..].trim_start();
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_joined_form_reaches_a_native_component() {
        let wxml = "<view bind:tap=\"a\">\n<live-pusher url='a>b' bind:error=\"x\" bindnetstatus=\"y\"/>\n\
                    <live-player catchstatechange='z' /><live-players bind:tap='q'/></view>";
        let found: Vec<_> = check("p.wxml", wxml).map(|problem| problem.to_string()).collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("p.wxml:2: phones ignore bind:error on <live-pusher>"), "{found:?}");
        assert!(
            found[1].starts_with("p.wxml:3: phones ignore catchstatechange on <live-player>"),
            "{found:?}"
        );
    }
}
