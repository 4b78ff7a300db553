//! Parts of long lists, so that no answer to the operator grows without bound.

/// A part of a list, and where it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is in it.
    pub items: Vec<T>,
    /// The key of the last one, if more follow.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The first of what is found, each with its key and its weight: at most `limit`, and so many as a page may
    /// weigh; but one in any case, or the list would never go on.
    pub(super) fn of<V>(
        found: impl IntoIterator<Item = (u64, usize, V)>,
        limit: usize,
        see: impl Fn(V) -> T,
    ) -> Self {
        let (mut items, mut weight, mut last) = (Vec::new(), 0_usize, None);
        for (key, own, value) in found {
            weight = weight.saturating_add(own);
            if let Some(last) = last.filter(|_| items.len() >= limit || weight > HEAVIEST) {
                return Self { items, next: Some(u64::to_string(&last)) };
            }
            items.push(see(value));
            last = Some(key);
        }
        Self { items, next: None }
    }
}

/// Rooms, members and reports of a component in one answer, together.
pub(super) const HEAVIEST: usize = 5_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_seen_whole_page_by_page_whatever_its_items_weigh() {
        let list: Vec<(u64, usize)> =
            (1..=40).map(|key| (key, if key % 9 == 0 { 2 * HEAVIEST } else { 900 })).collect();
        for limit in [1, 3, 100] {
            let (mut seen, mut after) = (Vec::new(), 0);
            loop {
                let rest = list.iter().filter(|(key, _)| *key > after);
                let page = Page::of(rest.map(|(key, own)| (*key, *own, *key)), limit, |key| key);
                let weight: usize =
                    list.iter().filter(|(key, _)| page.items.contains(key)).map(|(_, own)| own).sum();
                assert!(page.items.len() <= limit && (weight <= HEAVIEST || page.items.len() == 1));
                seen.extend(page.items);
                let Some(next) = page.next else { break };
                after = next.parse().unwrap_or(u64::MAX);
            }
            assert_eq!(seen, (1..=40).collect::<Vec<_>>(), "{limit}");
        }
    }
}
