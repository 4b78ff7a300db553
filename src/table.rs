//! A map of few entries: a vector, sorted by key.

/// A map. Each type of `BTreeMap` would weigh several kilobytes in the wasm module.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table<K, V>(Vec<(K, V)>);

impl<K: Ord + Copy, V> Table<K, V> {
    /// The value under `key`, made when there is none.
    pub(crate) fn entry(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        let found = self.find(key).unwrap_or_else(|free| {
            self.0.insert(free, (key, V::default()));
            free
        });
        &mut self.0[found].1
    }

    pub(crate) fn remove(&mut self, key: K) -> Option<V> {
        let found = self.find(key).ok()?;
        Some(self.0.remove(found).1)
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(K, &V) -> bool) {
        self.0.retain(|(key, value)| keep(*key, value));
    }

    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut V> {
        let found = self.find(key).ok()?;
        Some(&mut self.0[found].1)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (K, &mut V)> {
        self.0.iter_mut().map(|(key, value)| (*key, value))
    }

    pub(crate) fn get(&self, key: K) -> Option<&V> {
        let found = self.find(key).ok()?;
        Some(&self.0[found].1)
    }

    /// In the order of the keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        self.0.iter().map(|(key, value)| (*key, value))
    }

    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    /// Where `key` is, or where it belongs.
    fn find(&self, key: K) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.cmp(&key))
    }
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}
