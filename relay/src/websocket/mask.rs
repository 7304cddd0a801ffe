//! The masking of a client's payload (RFC 6455 section 5.3): an XOR with four bytes, over and over.

/// A frame's key, turned so that its first byte is for the next byte of the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mask([u8; 4]);

impl Mask {
    pub(super) fn new(key: [u8; 4]) -> Self {
        Self(key)
    }

    /// Takes the mask off the next bytes of the payload.
    pub(super) fn remove(&mut self, payload: &mut [u8]) {
        let [a, b, c, d] = self.0;
        let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
        let (words, rest) = payload.as_chunks_mut::<8>();
        for word in words {
            *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
        }
        for (byte, key) in rest.iter_mut().zip(self.0.iter().cycle()) {
            *byte ^= key;
        }
        self.0.rotate_left(payload.len() % 4);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn in_whatever_pieces_it_comes_each_byte_meets_its_own_byte_of_the_key(
            key in any::<[u8; 4]>(), payload in proptest::collection::vec(any::<u8>(), 0..200), cuts in proptest::collection::vec(0..40usize, 0..20)
        ) {
            let expected: Vec<u8> = payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
            let (mut mask, mut masked) = (Mask::new(key), payload);
            let mut rest = &mut masked[..];
            for cut in cuts {
                let (piece, after) = rest.split_at_mut(cut.min(rest.len()));
                mask.remove(piece);
                rest = after;
            }
            mask.remove(rest);
            prop_assert_eq!(masked, expected);
        }
    }
}
