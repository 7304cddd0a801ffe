//! Whether text that comes in pieces is UTF-8, said as soon as it cannot be any more.

use std::str::from_utf8;

use super::Violation;

/// The pieces so far: all of them good, up to a character that the last one has begun.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Utf8 {
    begun: [u8; 4],
    length: usize,
}

impl Utf8 {
    /// Looks at the next piece.
    pub(super) fn check(&mut self, piece: &[u8]) -> Result<(), Violation> {
        let rest = self.complete(piece)?;
        let Err(error) = from_utf8(rest) else { return Ok(()) };
        if error.error_len().is_some() {
            return Err(Violation::NotUtf8);
        }
        let begun = rest.get(error.valid_up_to()..).unwrap_or_default();
        self.length = begun.len();
        for (kept, byte) in self.begun.iter_mut().zip(begun) {
            *kept = *byte;
        }
        Ok(())
    }

    /// The text is over: no character may be half there.
    pub(super) fn end(self) -> Result<(), Violation> {
        if self.length == 0 { Ok(()) } else { Err(Violation::NotUtf8) }
    }

    /// Ends the character that an earlier piece has begun; what is left of the piece.
    fn complete<'p>(&mut self, mut piece: &'p [u8]) -> Result<&'p [u8], Violation> {
        while self.length > 0 {
            let Some((byte, rest)) = piece.split_first() else { break };
            let slot = self.begun.get_mut(self.length).ok_or(Violation::NotUtf8)?;
            (*slot, piece) = (*byte, rest);
            self.length += 1;
            match from_utf8(self.begun.get(..self.length).unwrap_or_default()) {
                Ok(_) => self.length = 0,
                Err(error) if error.error_len().is_some() => return Err(Violation::NotUtf8),
                Err(_) => {}
            }
        }
        Ok(piece)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Where the text is refused: after how many bytes, or at its end.
    fn refused(text: &[u8], piece: usize) -> Option<usize> {
        let mut utf8 = Utf8::default();
        for (number, piece) in text.chunks(piece).enumerate() {
            if utf8.check(piece).is_err() {
                return Some(number);
            }
        }
        utf8.end().is_err().then_some(usize::MAX)
    }

    #[test]
    fn it_is_refused_with_the_byte_that_cannot_be() {
        for (text, at) in [
            (&b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"[..], None),
            (b"ok\xf4\x90\x80\x80", Some(3)),
            (b"\xed\xa0\x80", Some(1)),
            (b"\xc0", Some(0)),
            (b"\xf5", Some(0)),
            (b"\xe1\xbd", Some(usize::MAX)),
            (b"\xe1\xbdx", Some(2)),
        ] {
            assert_eq!(refused(text, 1), at, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn in_whatever_pieces_it_comes_the_verdict_is_the_librarys(
            text in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..24),
                any::<String>().prop_map(String::into_bytes),
                proptest::collection::vec(prop_oneof![Just(0xe1), Just(0xbd), Just(0xf0), Just(0x9f), Just(0x80), Just(0x41)], 0..12),
            ],
            piece in 1..9usize
        ) {
            prop_assert_eq!(refused(&text, piece).is_none(), from_utf8(&text).is_ok());
        }
    }
}
