//! Which paths were visited, and how often.

use std::collections::BTreeMap;

/// What was seen, and how often.
#[derive(Debug, Clone, Default)]
pub(crate) struct Marks(BTreeMap<Mark, u64>);

/// A kind of thing, its name, and a number where there is one.
pub(crate) type Mark = (&'static str, &'static str, i32);

impl Marks {
    pub(crate) fn see(&mut self, kind: &'static str, name: &'static str) {
        self.count((kind, name, 0));
    }

    pub(crate) fn count(&mut self, mark: Mark) {
        *self.0.entry(mark).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (mark, count) in &other.0 {
            *self.0.entry(*mark).or_default() += count;
        }
    }

    pub(crate) fn saw(&self, mark: Mark) -> bool {
        self.0.contains_key(&mark)
    }

    /// One line a kind.
    pub(crate) fn table(&self) -> String {
        let mut lines: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for ((kind, name, code), count) in &self.0 {
            let number = if *code == 0 { String::new() } else { format!(" {code}") };
            lines.entry(kind).or_default().push(format!("{name}{number} {count}"));
        }
        lines.into_iter().map(|(kind, marks)| format!("{kind:>12}  {}\n", marks.join(", "))).collect()
    }
}
