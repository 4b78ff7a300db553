//! Texts that were signed and changed on their way, for the tests of each kind of proof.

use super::secret::Secret;

pub(super) const NOW: u64 = 1_693_968_975_000;

/// The one that the tests sign with.
pub(super) fn secret() -> Secret {
    Secret::from_text("a secret for tests").expect("long enough")
}

/// Every text that differs from `text` in one byte: each bit flipped, the byte gone, one added.
pub(super) fn tampered(text: &str) -> impl Iterator<Item = String> {
    (0..text.len()).flat_map(move |at| {
        let flips = (0..7).map(move |bit| {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            bytes
        });
        let mut shorter = text.as_bytes().to_vec();
        shorter.remove(at);
        let mut longer = text.as_bytes().to_vec();
        longer.insert(at, b'A');
        flips.chain([shorter, longer]).map(|bytes| String::from_utf8(bytes).expect("still ASCII"))
    })
}
