//! What a case is made of: choices, drawn by a seed or read back from a file.
//!
//! Every generator asks here and nowhere else, so the list of choices is the case: cut short or made
//! smaller it is another case of the same kind, and whoever reads beyond its end is given zeros.

/// A source of choices. Zero is always the plainest one.
#[derive(Debug)]
pub(crate) struct Draw {
    source: Source,
    made: Vec<u32>,
}

#[derive(Debug)]
enum Source {
    Seed(u64),
    Given(Vec<u32>),
}

impl Draw {
    /// The choices that a seed makes.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self { source: Source::Seed(seed), made: Vec::new() }
    }

    /// These choices, then zeros.
    pub(crate) fn given(choices: Vec<u32>) -> Self {
        Self { source: Source::Given(choices), made: Vec::new() }
    }

    /// The choices made so far.
    pub(crate) fn made(self) -> Vec<u32> {
        self.made
    }

    /// Any number.
    pub(crate) fn any(&mut self) -> u32 {
        let choice = match &mut self.source {
            _ if self.made.len() >= MOST_CHOICES => 0,
            Source::Seed(state) => (next(state) >> 32) as u32,
            Source::Given(choices) => choices.get(self.made.len()).copied().unwrap_or(0),
        };
        if self.made.len() < MOST_CHOICES {
            self.made.push(choice);
        }
        choice
    }

    /// A number below `end`, which is not zero.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let number = self.any() as usize % end;
        // Kept as it was meant, so that a smaller choice is a smaller number.
        if let Some(last) = self.made.last_mut() {
            *last = number as u32;
        }
        number
    }

    /// True in so many of a hundred cases.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) >= 100 - percent
    }

    /// One of these.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// A number where limits are, or any.
    pub(crate) fn edge(&mut self) -> u32 {
        const EDGES: [u32; 18] = [
            0,
            1,
            2,
            40,
            127,
            128,
            129,
            255,
            256,
            65_535,
            65_536,
            0x00ff_fffe,
            0x00ff_ffff,
            0x0100_0000,
            0x7fff_ffff,
            0x8000_0000,
            0xffff_fff0,
            0xffff_ffff,
        ];
        if self.chance(30) { self.any() } else { self.pick(&EDGES) }
    }

    /// So many bytes, made by one choice.
    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut state = u64::from(self.any());
        if state == 0 {
            return vec![0; length];
        }
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            bytes.extend_from_slice(&next(&mut state).to_be_bytes());
        }
        bytes.truncate(length);
        bytes
    }
}

/// SplitMix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// More than any generator needs; a case ends.
const MOST_CHOICES: usize = 20_000;
