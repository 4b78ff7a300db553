//! A rule of native components that the framework does not know: listeners are bound in the joined form.

use crate::{Problem, tags};

/// Phones ignore `bind:event`, `catch…` and `capture-…` on these.
const NATIVE: [&str; 2] = ["live-player", "live-pusher"];

/// Every listener on a native component that a phone would ignore.
pub(crate) fn check<'a>(path: &'a str, wxml: &'a str) -> impl Iterator<Item = Problem> + 'a {
    let natives = tags::tags(wxml).filter(|tag| NATIVE.contains(&tag.name));
    natives.flat_map(move |tag| {
        let ignored = tags::attribute_names(tag.rest).into_iter().filter(|attribute| is_ignored(attribute));
        ignored.map(move |attribute| {
            let text =
                format!("phones ignore {attribute} on <{}>: write bindevent, without a colon", tag.name);
            Problem::at(path, tag.line, text)
        })
    })
}

fn is_ignored(attribute: &str) -> bool {
    ["bind:", "catch", "capture-", "mut-bind"].iter().any(|form| attribute.starts_with(form))
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
