//! Where a template has its tags. The framework's compiler knows more about them, and does not say it.

use std::collections::BTreeMap;

/// A tag that begins an element.
pub(crate) struct Tag<'a> {
    pub(crate) name: &'a str,
    /// Counted from 1.
    pub(crate) line: usize,
    /// The template after the name.
    pub(crate) rest: &'a str,
}

/// Every tag that begins an element, outside of comments.
pub(crate) fn tags(wxml: &str) -> impl Iterator<Item = Tag<'_>> {
    let mut at = 0;
    let mut line = 1;
    std::iter::from_fn(move || {
        loop {
            let begin = at + wxml[at..].find('<')?;
            line += wxml[at..begin].matches('\n').count();
            at = begin;
            let inside = &wxml[begin + 1..];
            if inside.starts_with("!--") {
                at += 1 + inside.find("-->").unwrap_or(inside.len());
                line += wxml[begin..at].matches('\n').count();
                continue;
            }
            at += 1;
            let end = inside.find(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c))?;
            if end > 0 {
                return Some(Tag { name: &inside[..end], line, rest: &inside[end..] });
            }
        }
    })
}

/// The line of each name's first tag, and of each name's first with an attribute: `button`, `button open-type`.
pub(crate) fn first_lines(wxml: &str) -> BTreeMap<String, usize> {
    let mut lines = BTreeMap::new();
    for tag in tags(wxml) {
        let attributes = attribute_names(tag.rest).into_iter().map(|name| format!("{} {name}", tag.name));
        for key in attributes.chain([tag.name.to_owned()]) {
            lines.entry(key).or_insert(tag.line);
        }
    }
    lines
}

/// The attribute names up to the end of the tag; what is quoted is no name.
pub(crate) fn attribute_names(tag: &str) -> Vec<&str> {
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
    fn a_comment_may_end_with_any_letter() {
        for wxml in ["<!-- 流--><map/>", "<!-- 流", "<!--\n流-->\n<!--流--><map/>"] {
            let lines = first_lines(wxml);
            assert_eq!(
                lines.get("map").copied(),
                wxml.lines().position(|line| line.contains("map")).map(|at| at + 1)
            );
        }
    }

    #[test]
    fn tags_have_lines_and_comments_have_none() {
        let wxml = "<view>\n<!-- <map>\n<map/> --> <a-b\n x='1'/>\n</view>\n<view y/><wxs>1 < 2</wxs>";
        let found = first_lines(wxml);
        let found: Vec<_> = found.iter().map(|(key, line)| (key.as_str(), *line)).collect();
        assert_eq!(found, [("a-b", 3), ("a-b x", 3), ("view", 1), ("view y", 6), ("wxs", 6)]);
    }
}
