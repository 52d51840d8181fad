//! Seeded mutations: bits, bytes, pieces and lines changed, moved, dropped, doubled, mixed between samples.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// Makes inputs from samples; the same ones in every run.
pub(crate) struct Mutator<'a> {
    random: ChaCha20Rng,
    samples: &'a [Vec<u8>],
}

/// Bytes that mean something to some parser.
const PIECES: [&[u8]; 20] = [
    b"\n",
    b"\n\n",
    b" ",
    b"\r\n",
    b"\0",
    b"0",
    b"00",
    b"-",
    b"+",
    b"=",
    b"==",
    b"/",
    b"\xe2\x80\x94 ",
    b"\xff",
    b"\xc2\xa0",
    b"18446744073709551616",
    b"{",
    b"\"",
    b"\x80\x00",
    b"\x80\x80\x01",
];

impl<'a> Mutator<'a> {
    pub(crate) fn new(samples: &'a [Vec<u8>]) -> Self {
        Self {
            random: ChaCha20Rng::seed_from_u64(35),
            samples,
        }
    }

    pub(crate) fn next_input(&mut self) -> Vec<u8> {
        let mut input = self.sample().clone();
        for _ in 0..=self.below(4) {
            self.mutate(&mut input);
        }
        input
    }

    fn sample(&mut self) -> &'a Vec<u8> {
        let at = self.below(self.samples.len());
        &self.samples[at]
    }

    fn mutate(&mut self, input: &mut Vec<u8>) {
        if input.is_empty() {
            input.extend_from_slice(PIECES[self.below(PIECES.len())]);
            return;
        }
        let at = self.below(input.len());
        let end = (at + 1 + self.below(40)).min(input.len());
        match self.below(10) {
            0 => input[at] ^= 1 << self.below(8),
            1 => input[at] = u8::try_from(self.below(256)).unwrap(),
            2 => drop(input.drain(at..end)),
            3 => {
                let piece = input[at..end].to_vec();
                input.splice(at..at, piece);
            }
            4 => {
                let piece = PIECES[self.below(PIECES.len())];
                input.splice(at..at, piece.iter().copied());
            }
            5 => input.truncate(at),
            6 => {
                let other = self.sample().clone();
                let from = self.below(other.len());
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            _ => self.mutate_lines(input),
        }
    }

    fn mutate_lines(&mut self, input: &mut Vec<u8>) {
        let mut lines: Vec<Vec<u8>> = input
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        let (one, other) = (self.below(lines.len()), self.below(lines.len()));
        match self.below(4) {
            0 => drop(lines.remove(one)),
            1 => lines.swap(one, other),
            2 => {
                let line = lines[one].clone();
                lines.insert(other, line);
            }
            _ => lines[one] = lines[other].clone(),
        }
        *input = lines.join(&b'\n');
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.random.next_u64() % bound as u64).unwrap()
    }
}
